/** Import and serve with a newer Nix than this machine's: that of Debian's newest suite, unpacked beside it. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { PathInfo } from '../../node/store/path-info.ts'
import { missingNix, Stores } from '../store/real-stores.ts'
import { missingNewerNix, newerNix } from './newer-nix.ts'

const run = promisify(execFile)

const options = { timeout: 600_000 }

describe('a newer Nix', { skip: (await missingNix()) || (await missingNewerNix()) }, () => {
  let bin = ''
  before(
    async () => {
      bin = await newerNix()
    },
    { timeout: 180_000 },
  )

  const version = async (program: string) => {
    const { stdout } = await run(program, ['--version'])
    const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout) ?? []
    return Number(major) * 1000 + Number(minor)
  }

  test('is newer than this machine’s', options, async () => {
    assert.ok((await version(join(bin, 'nix-daemon'))) > (await version('nix-store')))
  })

  for (const [from, to] of [
    ['this machine’s', 'the newer'],
    ['the newer', 'this machine’s'],
    ['the newer', 'the newer'],
  ] as const) {
    test(`takes part in a transfer from ${from} to ${to}`, options, async t => {
      const stores = await Stores.of(t)
      const { file, publicKey } = await stores.key('test-1')
      const source = stores.real('source')
      const lib = await source.addText('lib', randomBytes(1_000_000).toString('latin1'))
      const fill = async (at: string, path: string) => {
        await mkdir(join(at, 'bin'), { recursive: true })
        await writeFile(join(at, 'bin/tool'), `#!/bin/sh\n# ${path} ${lib}\n`, { mode: 0o755 })
      }
      const tool = await source.add('tool', fill, [lib, '{out}'])
      await source.sign(file, lib, tool)
      const nixOf = (which: string) => (which === 'the newer' ? { nixBinDir: bin } : {})
      const serving = await stores.open(source.root, nixOf(from))
      const target = stores.real('target')
      const taking = await stores.open(target.root, { ...nixOf(to), trustedPublicKeys: [publicKey] })
      const closure = await serving.closure(tool)
      assert.deepEqual(
        closure.map(({ path }) => path),
        [lib, tool],
      )
      const held = await taking.holdTempRoots([lib, tool])
      const nar = async (info: PathInfo) => (await serving.nar(info.path)).stream()
      const [first, second] = closure
      assert.ok(first && second)
      await assert.rejects(async () => taking.import({ ...second, signatures: [] }, await nar(second)))
      for (const info of closure) assert.equal(await taking.import(info, await nar(info)), 'imported')
      assert.equal(await taking.import(first, await nar(first)), 'present')
      assert.deepEqual(await taking.validPaths([lib, tool]), new Set([lib, tool]))
      const known = await taking.pathInfo(tool)
      assert.deepEqual(known?.narHash, second.narHash)
      assert.deepEqual([...(known?.references ?? [])].sort(), [...second.references].sort())
      const whole = Buffer.from(await (await taking.nar(tool)).readRange(0, second.narSize))
      assert.deepEqual(whole, await source.dump(tool))
      await held.release()
    })
  }
})
