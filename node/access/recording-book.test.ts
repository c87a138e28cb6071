/** The recordings that a device keeps: pages of them, and room that is made by the oldest. */

import assert from 'node:assert/strict'
import { truncate, writeFile } from 'node:fs/promises'
import { it, type TestContext } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import { testDirectory } from '../../test/helpers/state.ts'
import { RecordingBook } from './recording-book.ts'

const idOf = (at: number) => at.toString(16).padStart(12, '0')

async function keep(book: RecordingBook, id: string, bytes: number): Promise<string> {
  const file = await book.place(id)
  await writeFile(file, '')
  await truncate(file, bytes)
  await book.note({ id, peer: 'p', user: 'root', fingerprint: 'SHA256:x', operators: ['ada'] })
  return file
}

async function made(t: TestContext): Promise<RecordingBook> {
  return new RecordingBook(await testDirectory(t))
}

it('lists all in pages, the newest first', async t => {
  const book = await made(t)
  const all = Array.from({ length: limits.recordingsListed + 2 }, (_, at) => idOf(at))
  for (const id of all) await keep(book, id, 10)
  const first = await book.list()
  assert.equal(first.length, limits.recordingsListed)
  const rest = await book.list(first.at(-1)?.id)
  assert.deepEqual([...first, ...rest].map(({ id }) => id).sort(), all)
  assert.deepEqual(await book.list(idOf(0xffff)), [])
})

it('makes room by the oldest, and by none that is written', async t => {
  const book = await made(t)
  const [a, b, c] = [idOf(1), idOf(2), idOf(3)]
  await keep(book, a, 255 * 1024 * 1024)
  await keep(book, b, 10)
  assert.deepEqual((await book.list()).map(({ id }) => id).sort(), [a, b])
  await book.close(a)
  await keep(book, c, 10)
  assert.deepEqual((await book.list()).map(({ id }) => id).sort(), [b, c])
})
