/** Documents on disk: what is decoded again, what isn't written yet, and what can't be read. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../test/helpers/log.ts'
import { memoryTable } from '../../../test/helpers/memory-table.ts'
import { DocumentShelf } from './document-shelf.ts'

const document = (text: string) => ({ envelope: new Uint8Array(Buffer.from(text)), text })

function scene({ decoded = 2 } = {}) {
  const table = memoryTable()
  const opened: string[] = []
  const lost: string[] = []
  const open = (envelope: Uint8Array) => {
    const text = Buffer.from(envelope).toString()
    if (text === 'damaged') throw new RangeError('expected another text')
    opened.push(text)
    return document(text)
  }
  const shelf = new DocumentShelf({ table, log: silentLogger, open, onLost: peer => void lost.push(peer) }, { decoded })
  return { table, shelf, opened, lost }
}

describe('DocumentShelf', () => {
  it('decodes what it has not used lately, from memory before it is written and from the disk after', async () => {
    const { table, shelf, opened } = scene()
    for (const text of ['a', 'b', 'c']) shelf.put(text, document(text))
    assert.equal(shelf.get('c')?.text, 'c')
    assert.deepEqual(opened, [])
    assert.equal(shelf.get('a')?.text, 'a')
    assert.deepEqual(opened, ['a'])
    assert.equal(await table.get('a'), undefined)
    await shelf.flush()
    assert.equal(shelf.get('b')?.text, 'b')
    assert.deepEqual(opened, ['a', 'b'])
    assert.equal(shelf.get('b')?.text, 'b')
    assert.deepEqual(opened, ['a', 'b'])
  })

  it('gives the newest of a peer, and none after its deletion', async () => {
    const { table, shelf, lost } = scene()
    shelf.put('a', document('old'))
    await shelf.flush()
    shelf.put('a', document('new'))
    for (const text of ['b', 'c']) shelf.put(text, document(text))
    assert.equal(shelf.get('a')?.text, 'new')
    await shelf.delete('a')
    assert.equal(await table.get('a'), undefined)
    assert.equal(shelf.get('a'), undefined)
    assert.deepEqual(lost, ['a'])
    await shelf.stop()
  })

  it('forgets nothing because of a read that fails for the moment', async () => {
    const { table, shelf, lost } = scene()
    await table.put('a', Buffer.from('good'))
    const { getSync } = table
    table.getSync = () => {
      throw Object.assign(new Error('too many open files'), { code: 'LEVEL_IO_ERROR' })
    }
    assert.equal(shelf.get('a'), undefined)
    table.getSync = getSync
    assert.deepEqual(lost, [])
    assert.equal(shelf.get('a')?.text, 'good')
  })

  it('says what is damaged, and skips it when all are loaded', async () => {
    const { table, shelf, lost } = scene()
    await table.put('a', Buffer.from('good'))
    await table.put('b', Buffer.from('damaged'))
    const loaded: string[] = []
    for await (const [peer] of shelf.load()) loaded.push(peer)
    assert.deepEqual(loaded, ['a'])
    assert.equal(shelf.get('b'), undefined)
    assert.deepEqual(lost, ['b'])
    await shelf.stop()
    assert.equal(shelf.get('c'), undefined)
    assert.deepEqual(lost, ['b'])
  })
})
