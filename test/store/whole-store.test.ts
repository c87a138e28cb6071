/** Everything in the machine's own store has, read by us, the NAR that `nix-store --dump` writes. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { FileHandles } from '../../node/store/file-handles.ts'
import { layOutNar } from '../../node/store/nar-layout.ts'
import { NarReader } from '../../node/store/nar-reader.ts'
import { missingNix } from './real-stores.ts'

/** A developer's store may hold a hundred gigabytes: beyond this, each path's turn is decided by its hash, the same each day. */
const dumpedBytes = 3e8

test('the NAR of every path of the machine’s store', { skip: await missingNix(), timeout: 300_000 }, async t => {
  const all = ['--extra-experimental-features', 'nix-command', 'path-info', '--all', '--json']
  const { stdout } = await promisify(execFile)('nix', all, { maxBuffer: 1 << 28 })
  const told: { path: string; narSize: number }[] = JSON.parse(stdout)
  const total = told.reduce((sum, { narSize }) => sum + narSize, 0)
  const share = Math.min(1, dumpedBytes / Math.max(1, total))
  const chosen = told.filter(({ path }) => createHash('sha256').update(path).digest().readUInt32BE() <= share * 2 ** 32)
  t.diagnostic(`${chosen.length} of ${told.length} paths`)
  const handles = new FileHandles()
  t.after(() => handles.closeUnused())
  const queue = chosen.values()
  const compare = async () => {
    for (const { path } of queue) {
      const [ours, nix] = await Promise.all([ourHash(path, handles), dumpHash(path)])
      assert.equal(ours, nix, path)
    }
  }
  await Promise.all([compare(), compare()])
})

async function ourHash(path: string, handles: FileHandles): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of new NarReader(await layOutNar(path), handles).stream()) hash.update(chunk)
  return hash.digest('hex')
}

async function dumpHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  const dump = spawn('nix-store', ['--dump', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const chunk of dump.stdout) hash.update(chunk)
  return hash.digest('hex')
}
