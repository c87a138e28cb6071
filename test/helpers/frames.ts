/**
 * One of each frame of a swarm stream. `node test/helpers/frames.ts` writes them to `test/fixtures/swarm-v1/`; a change of
 * those files is a change of the wire format.
 */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { encodeFrame, type Frame } from '../../protocol/messages/swarm.ts'

export const framesDirectory = join(import.meta.dirname, '../fixtures/swarm-v1')

export const goldenFrames: Readonly<Record<string, Frame>> = {
  open: { type: 'open', closure: sha256(Buffer.from('a closure')) },
  'ready-with-some': { type: 'ready', wants: true, bitfield: Uint8Array.of(0b1010_0000, 0xff, 0x80) },
  'ready-with-nothing': { type: 'ready', wants: false, bitfield: new Uint8Array() },
  have: { type: 'have', chunks: [0, 1, 127, 128, 16_384, 0xffff_ffff] },
  request: { type: 'request', chunks: [300, 5] },
  'request-from': {
    type: 'requestFrom',
    recipe: sha256(Buffer.from('an old recipe')),
    asks: [
      { chunk: 300, first: 0, count: 9 },
      { chunk: 5, first: 16_384, count: 1 },
    ],
  },
  cancel: { type: 'cancel', chunks: [5] },
  'chunk-raw': { type: 'chunk', chunk: 70_000, encoding: 'raw', bytes: Buffer.from('the bytes of a chunk') },
  'chunk-zstd': { type: 'chunk', chunk: 1, encoding: 'zstd', bytes: Buffer.from('28b52ffd2002110000c4c4', 'hex') },
  'chunk-delta': { type: 'chunk', chunk: 300, encoding: 'delta', bytes: Buffer.from('28b52ffd', 'hex') },
  missing: { type: 'missing', chunks: [300] },
  lost: { type: 'lost', chunks: [300] },
  busy: { type: 'busy', milliseconds: 2000 },
  'refused-unknown-closure': { type: 'refused', reason: 'unknown-closure' },
  'refused-duplicate': { type: 'refused', reason: 'duplicate' },
  'refused-too-many': { type: 'refused', reason: 'too-many' },
}

if (import.meta.main) {
  await mkdir(framesDirectory, { recursive: true })
  for (const [name, frame] of Object.entries(goldenFrames)) {
    await writeFile(join(framesDirectory, `${name}.frame`), encodeFrame(frame))
  }
}
