/** Tests that the memory of a chunk is used again only when nobody sends, unpacks, writes or reads it any more. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { chunkMemory } from '../../node/swarm/chunks/chunk-memory.ts'
import { ChunkReader } from '../../node/swarm/chunks/chunk-reader.ts'
import { ChunkReceiver } from '../../node/swarm/session/chunk-receiver.ts'
import { ChunkSender } from '../../node/swarm/session/chunk-sender.ts'
import type { FrameStream } from '../../node/swarm/session/frame-stream.ts'
import { UploadLimiter } from '../../node/swarm/session/upload-limiter.ts'
import { Staging } from '../../node/swarm/staging/staging.ts'
import { sha256 } from '../../protocol/encoding/hash.ts'
import { ChunkedClosure, memoryPath } from '../helpers/chunked-closure.ts'
import { noise, noPositions, storePath } from '../helpers/planted-nar.ts'
import { poisonFreed } from '../helpers/poisoned-chunks.ts'
import { until } from '../helpers/until.ts'

poisonFreed(chunkMemory)

const path = storePath('a')
const closure = await ChunkedClosure.of([memoryPath(path, noise('a', 4_000_000))])
const { list } = closure
const numbers = Array.from({ length: list.count }, (_, number) => number)

/** A chunk in memory that the caller holds. */
async function lent(number: number): Promise<Buffer> {
  const bytes = chunkMemory.take(list.length(number))
  bytes.set(await closure.chunk(number))
  return bytes
}

const isWhole = (number: number, bytes: Uint8Array) => Buffer.from(sha256(bytes)).equals(list.hash(number))

/** A sender of the closure's chunks whose lane keeps what it is given. */
function sender() {
  const waiting: { bytes: Uint8Array; sent: () => void }[] = []
  const failed: unknown[] = []
  const chunks = { has: () => true, read: lent, put: async () => {} }
  const init = {
    subject: { peer: 'p', group: 'p' },
    local: true,
    signal: new AbortController().signal,
    onSent: () => {},
  }
  const sending = new ChunkSender(
    { frames: undefined as unknown as FrameStream, chunks, uploads: new UploadLimiter({ peers: 1 }) },
    { ...init, onFailed: reason => failed.push(reason) },
  )
  const useLane = (fails: () => boolean) =>
    sending.useLane({
      write: async ([, bytes], _, sent = () => {}) => {
        waiting.push({ bytes: bytes as Uint8Array, sent })
        if (fails()) throw new Error('the lane has ended')
      },
    })
  return { sending, waiting, failed, useLane }
}

test('a chunk that waits in a socket keeps its memory until the socket has taken it', async () => {
  const { sending, waiting, useLane } = sender()
  useLane(() => false)
  sending.request(numbers.map(chunk => ({ chunk })))
  await until(() => waiting.length === list.count, 'all chunks to be written')
  for (const [number, { bytes, sent }] of waiting.entries()) {
    assert.ok(isWhole(number, bytes), `chunk ${number}`)
    sent()
    assert.ok(!isWhole(number, bytes), 'expected that nobody holds it')
  }
})

test('memory that a broken lane may still read is not used again', async () => {
  const { sending, waiting, failed, useLane } = sender()
  useLane(() => waiting.length === 2)
  sending.request(numbers.map(chunk => ({ chunk })))
  await until(() => failed.length === 1, 'the failure')
  for (const [number, { bytes }] of waiting.entries()) assert.ok(isWhole(number, bytes), `chunk ${number}`)
})

test('a packed chunk keeps its memory until it is unpacked, also when it is broken', async () => {
  const receiver = new ChunkReceiver({ list }, () => {})
  const packed = async (number: number) => {
    const frame = zstdCompressSync(await closure.chunk(number))
    const bytes = chunkMemory.take(frame.length)
    bytes.set(frame)
    return bytes
  }
  for (const chunk of numbers) receiver.ask(chunk)
  const frames = await Promise.all(numbers.map(packed))
  const broken = frames.at(-1) as Buffer
  broken.fill(0, 10)
  const copy = Buffer.from(broken)
  const taken = frames.map((bytes, chunk) => receiver.take({ type: 'chunk', chunk, encoding: 'zstd', bytes }))
  const refused = assert.rejects(taken.pop() as Promise<unknown>, { code: 'misbehaved' })
  for (const [number, bytes] of (await Promise.all(taken)).entries()) {
    assert.ok(bytes && isWhole(number, bytes), `chunk ${number}`)
  }
  await refused
  assert.ok(copy.equals(broken), 'expected memory that zlib may still read to stay as it is')
})

async function staging(t: TestContext): Promise<Staging> {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-memory-'))
  const staged = await Staging.open(join(directory, 'closure'), list, { budgetBytes: 1e9, recentBytes: 500_000 })
  t.after(async () => {
    await staged.close()
    await rm(directory, { recursive: true, force: true })
  })
  return staged
}

test('staged chunks: each is written whole, and who reads one holds it when the staging forgets it', async t => {
  const staged = await staging(t)
  // Each twice at once, as from two peers at the end of a fetch.
  const puts = numbers.flatMap(number => [number, number]).map(async number => staged.put(number, await lent(number)))
  const reads: Promise<[number, Uint8Array | undefined]>[] = []
  for (const [i, put] of puts.entries()) {
    const number = i >> 1
    await put
    reads.push(staged.read(number).then(bytes => [number, bytes]))
  }
  const held = await Promise.all(reads)
  const into = Buffer.alloc(256 * 1024)
  const count = await staged.readRun(numbers, into)
  assert.ok(count > 0)
  const run = await Promise.all(numbers.slice(0, count).map(number => closure.chunk(number)))
  assert.ok(into.subarray(0, Buffer.concat(run).length).equals(Buffer.concat(run)), 'the chunks behind each other')
  await staged.releasePath(path)
  for (const [number, bytes] of held) assert.ok(bytes && isWhole(number, bytes), `chunk ${number}`)
})

test('chunks that are still written when their path is released, or the staging closes, stay as they are', async t => {
  const staged = await staging(t)
  const lentOnes = await Promise.all(numbers.map(lent))
  const puts = lentOnes.map((bytes, number) => staged.put(number, bytes))
  const released = staged.releasePath(path)
  const late = puts.map(async (put, number) => {
    // Not before: whoever writes it has not been told that it is done.
    assert.ok(isWhole(number, lentOnes[number] as Buffer), `chunk ${number}`)
    await put
  })
  await Promise.all([...late, released, staged.close()])
})

test('readers of one path at the same time, some of them far apart, get whole chunks', async () => {
  const length = 50_000
  const count = 40
  const content = noise('nar', length * count)
  const chunks = Array.from({ length: count }, (_, i) => content.subarray(i * length, (i + 1) * length))
  const readRange = async (offset: number, size: number, into = Buffer.alloc(size)) => {
    await new Promise(resolve => setImmediate(resolve))
    into.set(content.subarray(offset, offset + size))
    return into
  }
  const store = { nar: async () => ({ size: content.length, readRange }) }
  const reader = new ChunkReader({ store, positionsOf: async () => noPositions })
  const readAll = async (from: number, step: number) => {
    for (let i = 0; i < count; i++) {
      const number = (from + i * step) % count
      const bytes = await reader.read({ path, offset: number * length, length }, sha256(chunks[number] as Uint8Array))
      assert.ok(bytes, `chunk ${number}`)
      if (i % 7 === 0) reader.forget(path)
      await new Promise(resolve => setImmediate(resolve))
      assert.ok(Buffer.from(chunks[number] as Uint8Array).equals(bytes), `chunk ${number} while it is held`)
      chunkMemory.give(bytes)
    }
  }
  await Promise.all([readAll(0, 1), readAll(5, 1), readAll(20, 1), readAll(3, 7)])
})
