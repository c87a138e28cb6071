/** Bodies of packs: read in one piece, out of buffers that are used again, and of nothing that is not verified. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodePackBody, encodePackBody } from '../../protocol/bundle/pack.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { PackBodies } from './pack-bodies.ts'
import type { PlannedChunk } from './planned-chunk.ts'

/** The NARs of two paths, and their chunks: four of 1000 bytes in each, without references. */
const nars = { one: Buffer.alloc(4000, 'one '), two: Buffer.alloc(4000, 'other ') }
for (const nar of Object.values(nars)) for (let at = 0; at < nar.length; at += 1000) nar.writeUInt32BE(at, at)

function chunksOf(name: keyof typeof nars): PlannedChunk[] {
  const nar = nars[name]
  const bytes = [0, 1, 2, 3].map(i => nar.subarray(1000 * i, 1000 * (i + 1)))
  const recipe = {
    chunks: bytes.map((each, i) => ({ hash: sha256(each), offset: 1000 * i, length: 1000 })),
    positions: { offsets: new Float64Array(), slots: new Uint32Array() },
  }
  const path = { described: { path: name }, recipe }
  const list = {
    hash: (number: number) => sha256(bytes[number] ?? Buffer.of()),
    length: () => 1000,
    placeOf: (number: number) => ({ path, place: number }),
  }
  return bytes.map((_, number) => ({ closure: { list }, number }) as never)
}

/** A store with these NARs, and the ranges that were read of it. */
function storeOf(held: Partial<typeof nars>, elsewhere = new Map<string, Buffer>()) {
  const reads: string[] = []
  const store = {
    nar: async (name: string) => {
      const nar = held[name as keyof typeof nars]
      if (nar === undefined) throw new ThymeshError('path-unknown', `no ${name}`)
      return {
        readInto: async (bytes: Buffer, offset: number) => {
          reads.push(`${name} ${offset} ${bytes.length}`)
          nar.copy(bytes, 0, offset)
        },
      }
    },
  }
  const open = async ({ list }: PlannedChunk['closure']) => ({
    chunks: { read: async (number: number) => elsewhere.get(Buffer.from(list.hash(number)).toString('hex')) },
  })
  return { reads, bodies: new PackBodies({ store, swarms: { open } as never }) }
}

const bodyOf = (...parts: Buffer[]) => encodePackBody(parts.map(bytes => ({ id: sha256(bytes), bytes })))
const part = (name: keyof typeof nars, i: number) => nars[name].subarray(1000 * i, 1000 * (i + 1))
const copied = async (body: Uint8Array) => Uint8Array.from(body)

describe('the bodies of packs', () => {
  it('are read in one piece where chunks follow each other, into a buffer that is used again', async () => {
    const { bodies, reads } = storeOf(nars)
    const [zero, one, , three] = chunksOf('one') as [PlannedChunk, PlannedChunk, PlannedChunk, PlannedChunk]
    const [other] = chunksOf('two') as [PlannedChunk]
    const buffers = new Set<ArrayBufferLike>()
    const use = (body: Uint8Array) => {
      buffers.add(body.buffer)
      return copied(body)
    }
    const first = await (await bodies.with([zero, one, three, other], use)).used
    assert.deepEqual(first, Uint8Array.from(bodyOf(part('one', 0), part('one', 1), part('one', 3), part('two', 0))))
    assert.equal(decodePackBody(first).length, 4)
    await (await bodies.with([three], use)).used
    assert.equal(buffers.size, 1)
    assert.deepEqual(reads.slice(0, 3), ['one 0 2000', 'one 3000 1000', 'two 0 1000'])
  })

  it('take from elsewhere what the path lost, or what is not as it was', async () => {
    const damaged = Buffer.from(nars.one)
    damaged[1500] = 0xff
    const elsewhere = new Map(
      [part('one', 1), part('two', 2)].map(each => [Buffer.from(sha256(each)).toString('hex'), each]),
    )
    const { bodies } = storeOf({ one: damaged }, elsewhere)
    const wanted = [...chunksOf('one').slice(0, 2), ...chunksOf('two').slice(2, 3)]
    const { used } = await bodies.with(wanted, copied)
    assert.deepEqual(await used, Uint8Array.from(bodyOf(part('one', 0), part('one', 1), part('two', 2))))
  })

  it('are not made of what is nowhere', async () => {
    const { bodies } = storeOf({ one: nars.one })
    await assert.rejects(bodies.with(chunksOf('two'), copied), { code: 'chunk-missing' })
  })
})
