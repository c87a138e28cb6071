/** Events that come while a snapshot is read: none is applied twice, and none is kept from the views. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { beyond, isAfter } from './snapshot.ts'

const event = (number: number, kind: string, process = 'a1') => ({ id: `${process}-${number}`, kind, data: {} })

describe('events beside a snapshot', () => {
  it('tells views also of what the snapshot contains: they read their own answers before it', () => {
    const { rows, kinds } = beyond([event(4, 'proposal'), event(5, 'device'), event(6, 'task')], 'a1-5')
    assert.deepEqual(rows, [event(6, 'task')])
    assert.deepEqual([...kinds], ['proposal', 'device', 'task'])
  })

  it('lacks each event of a task: their list is another answer', () => {
    const task = event(3, 'task')
    assert.deepEqual(beyond([task, event(4, 'device')], 'a1-5').rows, [task])
  })

  it('reads a snapshot again only for what came after it', () => {
    assert.equal(beyond([event(4, 'release'), event(5, 'device')], 'a1-4').again, undefined)
    assert.equal(beyond([event(4, 'release'), event(5, 'release')], 'a1-4').again, 'soon')
    assert.equal(beyond([event(5, 'release'), event(6, 'reset')], 'a1-4').again, 'now')
  })

  it('lacks all of them without a snapshot, and those of another process', () => {
    assert.equal(beyond([event(4, 'device'), event(5, 'device')]).rows.length, 2)
    assert.equal(isAfter('b2-1', 'a1-9'), true)
    assert.equal(isAfter('a1-9', 'a1-9'), false)
    assert.equal(isAfter('a1-10', 'a1-9'), true)
  })
})
