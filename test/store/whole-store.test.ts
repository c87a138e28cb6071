/** Everything in the machine's own store has, read by us, the NAR that `nix-store --dump` writes. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { FileHandles } from '../../node/store/nar/file-handles.ts'
import { layOutNar } from '../../node/store/nar/nar-layout.ts'
import { NarReader } from '../../node/store/nar/nar-reader.ts'
import { missingNix } from './real-stores.ts'

/** A developer's store may hold a hundred gigabytes: beyond this, each path's turn is decided by its hash, the same each day. */
const dumpedBytes = 3e8
/** By hand: every path, however long it takes. */
const whole = process.env.THYMESH_WHOLE_STORE === '1'
const options = { skip: await missingNix(), ...(!whole && { timeout: 300_000 }) }

test('the NAR of every path of the machine’s store', options, async t => {
  const all = ['--extra-experimental-features', 'nix-command', 'path-info', '--all', '--json']
  const { stdout } = await promisify(execFile)('nix', all, { maxBuffer: 1 << 28 })
  const told: { path: string; narSize: number }[] = JSON.parse(stdout)
  const total = told.reduce((sum, { narSize }) => sum + narSize, 0)
  const share = whole ? 1 : Math.min(1, dumpedBytes / Math.max(1, total))
  const chosen = told.filter(({ path }) => createHash('sha256').update(path).digest().readUInt32BE() <= share * 2 ** 32)
  const handles = new FileHandles()
  t.after(() => handles.closeUnused())
  const queue = chosen.values()
  const compared = { paths: 0, bytes: 0 }
  const compare = async () => {
    for (const { path } of queue) {
      const [ours, nix] = await Promise.all([ourHash(path, handles), dumpHash(path)])
      assert.deepEqual(ours, nix, path)
      compared.paths++
      compared.bytes += ours.bytes
    }
  }
  await Promise.all([compare(), compare()])
  t.diagnostic(`${compared.paths} of ${told.length} paths, ${compared.bytes} of ${total} bytes`)
})

interface Hashed {
  bytes: number
  hash: string
}

async function ourHash(path: string, handles: FileHandles): Promise<Hashed> {
  return await hashed(new NarReader(await layOutNar(path), handles).stream())
}

async function dumpHash(path: string): Promise<Hashed> {
  const dump = spawn('nix-store', ['--dump', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  return await hashed(dump.stdout)
}

async function hashed(pieces: AsyncIterable<Uint8Array>): Promise<Hashed> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of pieces) {
    hash.update(piece)
    bytes += piece.length
  }
  return { bytes, hash: hash.digest('hex') }
}
