/** Tests of the book of evidence: what it tells of, for how long, and that it stays bounded. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limits } from '../../protocol/limits.ts'
import { testNow } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { testState } from '../../test/helpers/state.ts'
import { EvidenceBook } from './evidence.ts'
import { cloneAlarmMs, evidenceKept } from './limits.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

describe('the book of evidence', () => {
  it('keeps the first documents, also over a restart, and raises one alarm', async t => {
    const { database, clock } = await testState(t, { now: testNow })
    const table = database.table('evidence')
    const book = await EvidenceBook.load(table, clock, silentLogger)
    let changes = 0
    book.on('changed', () => changes++)
    assert.equal(await book.add('equivocation', 'targets 7', [bytes('a'), bytes('b')]), true)
    assert.equal(await book.add('equivocation', 'targets 7', [bytes('a'), bytes('c')]), false)
    assert.equal(changes, 1)
    const again = await EvidenceBook.load(table, clock, silentLogger)
    assert.deepEqual(again.alarms(), [{ kind: 'equivocation', subject: 'targets 7' }])
    assert.deepEqual(
      again.all()[0]?.documents.map(each => Buffer.from(each).toString()),
      ['a', 'b'],
    )
    await again.resolve('targets 7')
    assert.deepEqual(again.alarms(), [])
    assert.equal(again.all().length, 1, 'what was overtaken stays in the book')
  })

  it('tells of a clone for some days', async t => {
    const now = new Date(testNow)
    const { database, clock } = await testState(t, { now })
    const book = await EvidenceBook.load(database.table('evidence'), clock, silentLogger)
    await book.add('clone', 'peer', [])
    assert.equal(book.alarms().length, 1)
    now.setTime(now.getTime() + cloneAlarmMs)
    assert.deepEqual(book.alarms(), [])
    assert.equal(await book.add('clone', 'peer', []), true, 'seen again it is news again')
  })

  it('is bounded', async t => {
    const { database, clock } = await testState(t, { now: testNow })
    const book = await EvidenceBook.load(database.table('evidence'), clock, silentLogger)
    for (let each = 0; each < evidenceKept + 5; each++) await book.add('clone', `peer-${each}`, [])
    assert.equal(book.all().length, evidenceKept)
    let kept = 0
    for await (const _ of database.table('evidence').entries()) kept++
    assert.equal(kept, evidenceKept)
  })

  it('keeps a contradiction, and its alarm, whatever number of clones is seen', async t => {
    const { database, clock } = await testState(t, { now: testNow })
    const book = await EvidenceBook.load(database.table('evidence'), clock, silentLogger)
    await book.add('equivocation', 'targets 7', [bytes('a'), bytes('b')])
    for (let each = 0; each < evidenceKept + 5; each++) await book.add('clone', `peer-${each}`, [])
    assert.deepEqual(book.alarms()[0], { kind: 'equivocation', subject: 'targets 7' })
    assert.equal(book.alarms().length, limits.alarms)
    assert.equal(book.standing('equivocation').length, 1)
    const again = await EvidenceBook.load(database.table('evidence'), clock, silentLogger)
    assert.equal(again.standing('equivocation')[0]?.documents.length, 2)
  })
})
