/** Tests of open NARs: they serve many reads, and are closed when nobody reads them any more. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { noise, noPositions, storePath } from '../../../test/helpers/planted-nar.ts'
import { until } from '../../../test/helpers/until.ts'
import { ChunkReader } from './chunk-reader.ts'

it('closes a NAR that nobody reads', async () => {
  const bytes = noise('open', 1000)
  let opened = 0
  const nar = async () => {
    opened++
    return { size: bytes.length, readRange: async (from: number, length: number) => bytes.slice(from, from + length) }
  }
  const chunks = new ChunkReader({ store: { nar }, positionsOf: async () => noPositions, openMs: 2_000 })
  const place = { path: storePath('open'), offset: 0, length: 100 }
  const read = () => chunks.read(place, sha256(bytes.subarray(0, 100)))
  assert.ok(await read())
  assert.ok(await read())
  assert.deepEqual([opened, chunks.open], [1, 1])
  await until(() => chunks.open === 0, 'the NAR to be closed')
  assert.ok(await read())
  assert.equal(opened, 2)
})
