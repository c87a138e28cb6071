/** Tests of the kept events: what a listener that comes back has missed, and when that is not known any more. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventLog } from './event-log.ts'
import { keptEvents } from './limits.ts'

const ids = (events: { id: string }[] | undefined) => events?.map(({ id }) => Number(id.split('-')[1]))
const proposal = (id: string) => ({ id, complete: false, closed: false })

describe('the log of events', () => {
  it('gives a listener that comes back what it has missed, and nothing twice', () => {
    const log = new EventLog()
    const before = log.last
    for (const id of ['a', 'b', 'c']) log.append('proposal', proposal(id))
    assert.deepEqual(ids(log.after(before)), [1, 2, 3])
    assert.deepEqual(ids(log.after(log.last)), [])
    const heard: string[] = []
    const stop = log.listen(event => heard.push(event.data))
    log.append('proposal', proposal('d'))
    stop()
    log.append('proposal', proposal('e'))
    assert.deepEqual(heard, [JSON.stringify(proposal('d'))])
  })

  it('says that events are missing when they are no longer kept, or were those of another process', () => {
    const log = new EventLog()
    const before = log.last
    for (let each = 0; each < keptEvents; each++) log.append('reset', {})
    assert.equal(log.after(before)?.length, keptEvents)
    log.append('reset', {})
    assert.equal(log.after(before), undefined)
    for (const id of ['', 'x', '1', `${new EventLog().last}`, log.last.replace(/\d+$/, '999999999')]) {
      assert.equal(log.after(id), undefined, id)
    }
  })

  it('keeps few events where they are long', () => {
    const log = new EventLog()
    const before = log.last
    for (let each = 0; each < 12; each++) log.append('proposal', proposal('x'.repeat(1024 * 1024)))
    assert.equal(log.after(before), undefined)
    assert.equal(log.after(before.replace(/\d+$/, '11'))?.length, 1)
  })
})
