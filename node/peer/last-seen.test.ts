/** Tests of when a member was seen last: by its own clock, and by ours where its clock can't be right. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import type { Report } from '../../protocol/report/report.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { memoryTable } from '../../test/helpers/memory-table.ts'
import { LastSeen, type LastSeenComponents } from './last-seen.ts'

const now = new Date('2026-06-01T12:00:00Z')

async function seenBy({ connected = false, table = memoryTable(), clock = { now } as { now: Date | undefined } } = {}) {
  const reports = new Map<string, Partial<Report>>()
  const directory = Object.assign(new EventEmitter(), {
    report: (peer: string) => {
      const document = reports.get(peer)
      return document && { document }
    },
  })
  const components = { directory, isConnected: () => connected, clock, table, log: silentLogger }
  const lastSeen = new LastSeen(components as unknown as LastSeenComponents)
  await lastSeen.start()
  const tell = (report: Partial<Report>, isNew = true) => {
    const whole = { peer: 'gate', counter: 1, ...report }
    reports.set('gate', whole)
    if (isNew) directory.emit('report', whole)
  }
  return { lastSeen, tell, directory }
}

describe('a device was seen last', () => {
  it('when its report says, which may have been on its way for days', async () => {
    const { lastSeen, tell } = await seenBy()
    assert.equal(lastSeen.of('gate'), null)
    tell({ at: '2026-05-28T12:00:00Z' })
    assert.equal(lastSeen.of('gate'), '2026-05-28T12:00:00Z')
  })

  it('when its report came, if it has no clock or one that is ahead', async () => {
    const { lastSeen, tell } = await seenBy()
    tell({})
    assert.equal(lastSeen.of('gate'), '2026-06-01T12:00:00Z')
    tell({ counter: 2, at: '2031-01-01T00:00:00Z' })
    assert.equal(lastSeen.of('gate'), '2026-06-01T12:00:00Z')
  })

  it('when its report came from itself, though its clock is behind', async () => {
    const { lastSeen, tell } = await seenBy({ connected: true })
    tell({ at: '2020-01-01T00:00:00Z' })
    assert.equal(lastSeen.of('gate'), '2026-06-01T12:00:00Z')
  })

  it('as it was noted before a restart, unless a report has come unnoticed or the note is damaged', async () => {
    const table = memoryTable()
    const before = await seenBy({ table })
    before.tell({ counter: 7 })
    await before.lastSeen.stop()
    const { lastSeen, tell } = await seenBy({ table })
    tell({ counter: 7 }, false)
    assert.equal(lastSeen.of('gate'), '2026-06-01T12:00:00Z')
    tell({ counter: 8 }, false)
    assert.equal(lastSeen.of('gate'), null)
    for (const damaged of ['', '{', '{"counter":7,"at":1e300}', 'null', '7']) {
      await table.put('gate', Buffer.from(damaged))
      const next = await seenBy({ table })
      next.tell({ counter: 7 }, false)
      assert.equal(next.lastSeen.of('gate'), null, damaged)
    }
  })

  it('is forgotten with it, and not noted without a clock', async () => {
    const table = memoryTable()
    const { lastSeen, tell, directory } = await seenBy({ table })
    tell({})
    directory.emit('forgotten', 'gate')
    await lastSeen.stop()
    assert.equal(await table.get('gate'), undefined)
    const blind = await seenBy({ clock: { now: undefined } })
    blind.tell({})
    assert.equal(blind.lastSeen.of('gate'), null)
  })
})
