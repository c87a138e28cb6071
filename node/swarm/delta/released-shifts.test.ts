/** Tests of the shifts that releases name: fetched once, kept, and never a reason to fail. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shiftsCodec } from '../../../protocol/closure/shifts.ts'
import { sha256, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { DocumentError } from '../../mesh/exchange/documents.ts'
import { ReleasedShifts } from './released-shifts.ts'

const [from, to] = [sha256(Buffer.from('old')), sha256(Buffer.from('new'))]
const document = shiftsCodec.encode([{ from, to, cells: [5] }])

/** Shifts of releases whose extensions are these, where members have this document. */
function shiftsOf(named: unknown, there: Uint8Array | undefined, onAsk = () => {}) {
  const kept = new Map<string, Uint8Array>()
  const asked: string[] = []
  const components = {
    state: {
      accepted: { release: { extensions: { values: { shifts: named }, critical: [] } }, sites: new Map() },
      document: async (hash: Uint8Array) => kept.get(toHex(hash)),
      keepDocument: async (bytes: Uint8Array) => void kept.set(sha256Hex(bytes), bytes),
    },
    documents: {
      fetch: async (hash: Uint8Array) => {
        asked.push(toHex(hash))
        onAsk()
        if (there === undefined) throw new Error('nobody has it')
        return there
      },
    },
    log: silentLogger,
  }
  return { shifts: new ReleasedShifts(components as never), asked, kept }
}

describe('shifts of releases', () => {
  it('are fetched once, and looked up by both recipes', async () => {
    const { shifts, asked } = shiftsOf(sha256Hex(document), document)
    const book = await shifts.book()
    assert.deepEqual(book(from, to)?.cells, [5])
    assert.equal(book(to, from), undefined)
    assert.deepEqual((await shifts.book())(from, to)?.cells, [5])
    assert.equal(asked.length, 1)
  })

  it('are none where nobody has them, and are not asked for again at once', async () => {
    const { shifts, asked } = shiftsOf(sha256Hex(document), undefined)
    assert.equal((await shifts.book())(from, to), undefined)
    assert.equal((await shifts.book())(from, to), undefined)
    assert.equal(asked.length, 1)
  })

  it('are waited for where nobody is connected yet, and asked for once by all who wait', async () => {
    let tries = 0
    const { shifts } = shiftsOf(sha256Hex(document), document, () => {
      tries++
      if (tries < 3) throw new DocumentError('no-peer', 'nobody is here')
    })
    const books = await Promise.all([shifts.book(), shifts.book()])
    for (const book of books) assert.deepEqual(book(from, to)?.cells, [5])
    assert.equal(tries, 3)
  })

  it('are none where the document breaks a rule, which is not kept', async () => {
    const junk = Buffer.concat([document, Buffer.of(0)])
    const { shifts, kept } = shiftsOf(sha256Hex(junk), junk)
    assert.equal((await shifts.book())(from, to), undefined)
    assert.equal(kept.size, 0)
  })

  it('are none where a release names them in another form', async () => {
    for (const named of ['../etc', 'AB', 7, null, { more: 1 }]) {
      const { shifts, asked } = shiftsOf(named, document)
      assert.equal((await shifts.book())(from, to), undefined)
      assert.deepEqual(asked, [])
    }
  })
})
