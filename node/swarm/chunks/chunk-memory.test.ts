/** Tests of the memory that chunks on their way share. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../test/helpers/until.ts'
import { ChunkMemory } from './chunk-memory.ts'

test('memory is used again when its last holder has given it back', () => {
  const memory = new ChunkMemory()
  const first = memory.take(70_000)
  const part = memory.hold(first.subarray(10, 20))
  assert.ok(memory.heldBytes(part) >= 70_000)
  assert.equal(memory.heldBytes(Buffer.alloc(10).subarray(3)), 7)
  memory.give(first)
  assert.notEqual(memory.take(70_000).buffer, first.buffer)
  memory.give(part)
  assert.equal(memory.take(80_000).buffer, first.buffer)
})

test('memory that is given back once too often is an error, and foreign memory is none', () => {
  const memory = new ChunkMemory()
  const bytes = memory.take(70_000)
  memory.give(bytes)
  assert.throws(() => memory.give(bytes), RangeError)
  assert.throws(() => memory.hold(bytes), RangeError)
  memory.give(memory.hold(Buffer.alloc(10)))
})

test('a chunk takes at most twice its size, so that thousands of tiny ones take little', () => {
  const memory = new ChunkMemory()
  for (const length of [0, 1, 100, 16_383, 16_384, 16_385, 70_000, 262_144]) {
    const bytes = memory.take(length)
    assert.equal(bytes.length, length)
    assert.ok(memory.heldBytes(bytes) <= 2 * length, `${memory.heldBytes(bytes)} for ${length}`)
    memory.give(bytes)
  }
})

test('memory of sizes that nobody wants any more makes room for those that are wanted', () => {
  const memory = new ChunkMemory()
  const small = Array.from({ length: 300 }, () => memory.take(30_000))
  for (const bytes of small) memory.give(bytes)
  const large = memory.take(250_000)
  memory.give(large)
  assert.equal(memory.take(250_000).buffer, large.buffer)
  assert.ok(memory.freeBytes <= 8 * 1024 ** 2)
})

test('a chunk gets somewhat larger memory where there is none of its size', () => {
  const memory = new ChunkMemory()
  const [small, large] = [memory.take(64_000), memory.take(200_000)]
  for (const bytes of [small, large]) memory.give(bytes)
  const first = memory.take(150_000)
  assert.equal(first.buffer, large.buffer)
  assert.equal(first.length, 150_000)
  assert.ok(memory.heldBytes(first) <= 2 * 150_000)
  memory.give(first)
  assert.notEqual(memory.take(70_000).buffer, large.buffer)
})

test('little is kept free, and nothing when nothing moves', async () => {
  const memory = new ChunkMemory({ idle: 20 })
  const taken = Array.from({ length: 100 }, () => memory.take(250_000))
  for (const bytes of taken) memory.give(bytes)
  assert.ok(memory.freeBytes > 0)
  assert.ok(memory.freeBytes <= 8 * 1024 ** 2)
  await until(() => memory.freeBytes === 0, 'free memory to be given up')
})
