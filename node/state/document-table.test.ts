/** Tests of the sweep: what nothing needs goes from the disk, and nothing that someone is about to name. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { testState } from '../../test/helpers/state.ts'
import { DocumentTable } from './document-table.ts'

const text = (word: string) => Buffer.from(word)
const hashOf = (word: string) => sha256Hex(text(word))

/** A table that was filled by a process before. */
async function filled(t: TestContext, ...words: string[]) {
  const { database } = await testState(t)
  const before = new DocumentTable(database)
  for (const word of words) await before.put(text(word))
  const table = new DocumentTable(database)
  const left = async () => {
    const keys = new Set<string>()
    for await (const key of database.table('documents').keys()) keys.add(key)
    return words.filter(word => keys.has(hashOf(word)))
  }
  return { database, table, left }
}

const nothing = async () => new Set<string>()

describe('DocumentTable', () => {
  it('keeps what is needed and takes the rest off the disk', async t => {
    const { table, left } = await filled(t, 'a', 'b', 'c')
    assert.equal(await table.sweep(async () => new Set([hashOf('b')])), 2)
    assert.deepEqual(await left(), ['b'])
    assert.deepEqual(await table.get(hashOf('b')), text('b'))
    assert.equal(await table.get(hashOf('a')), undefined)
  })

  it('takes many in several writes', async t => {
    const words = Array.from({ length: 1234 }, (_, at) => `document ${at}`)
    const { table, left } = await filled(t, ...words)
    assert.equal(await table.sweep(async () => new Set(words.slice(0, 4).map(hashOf))), 1230)
    assert.deepEqual(await left(), words.slice(0, 4))
  })

  it('leaves what came since the sweep before, once: it may be about to be named', async t => {
    const { table, left } = await filled(t, 'old', 'new')
    await table.put(text('new'))
    assert.equal(await table.sweep(nothing), 1)
    assert.deepEqual(await left(), ['new'])
    assert.equal(await table.sweep(nothing), 1)
    assert.deepEqual(await left(), [])
  })

  it('leaves what is read or kept while it works out what is needed', async t => {
    const { table, left } = await filled(t, 'read', 'kept again', 'idle')
    const gone = await table.sweep(async () => {
      await table.get(hashOf('read'))
      await table.put(text('kept again'))
      return new Set()
    })
    assert.equal(gone, 1)
    assert.deepEqual(await left(), ['read', 'kept again'])
  })

  it('tells who reads while it deletes what is there afterwards', async t => {
    const words = Array.from({ length: 2000 }, (_, at) => `document ${at}`)
    const { database, table } = await filled(t, ...words)
    const sweep = table.sweep(nothing)
    const told = await Promise.all(
      words.map(async (word, at) => {
        for (let turn = 0; turn < at % 50; turn++) await new Promise(setImmediate)
        return [word, await table.get(hashOf(word))] as const
      }),
    )
    await sweep
    const disk = database.table('documents')
    for (const [word, bytes] of told) assert.deepEqual(await disk.get(hashOf(word)), bytes)
  })

  it('takes nothing when nobody can say what is needed, and still spares the recent afterwards', async t => {
    const { table, left } = await filled(t, 'old', 'new')
    await table.put(text('new'))
    await assert.rejects(
      table.sweep(() => Promise.reject(new Error('no store'))),
      /no store/,
    )
    assert.deepEqual(await left(), ['old', 'new'])
    await table.sweep(nothing)
    assert.deepEqual(await left(), ['new'])
  })

  it('ends between two writes', async t => {
    const { table, left } = await filled(t, 'a')
    await assert.rejects(table.sweep(nothing, AbortSignal.abort(new Error('the peer stops'))), /the peer stops/)
    assert.deepEqual(await left(), ['a'])
  })
})
