/** Tests of maintenance windows. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MaintenanceWindow } from '../../protocol/release/update-policy.ts'
import { windowState } from './windows.ts'

/** At half past two, for two hours, on weekdays. */
const night: MaintenanceWindow = { cron: '30 2 * * 1-5', timeZone: 'Europe/Berlin', minutes: 120 }
const opensAt = (windows: MaintenanceWindow[], now: string) => {
  const state = windowState(windows, new Date(now))
  return state.open ? 'open' : state.opensAt?.toISOString()
}

describe('maintenance windows', () => {
  it('are open from their time on, for their minutes', () => {
    // Wednesday; Berlin is an hour ahead in winter.
    assert.equal(opensAt([night], '2026-01-28T01:29:59Z'), '2026-01-28T01:30:00.000Z')
    assert.equal(opensAt([night], '2026-01-28T01:30:00Z'), 'open')
    assert.equal(opensAt([night], '2026-01-28T03:29:59Z'), 'open')
    assert.equal(opensAt([night], '2026-01-28T03:30:00Z'), '2026-01-29T01:30:00.000Z')
  })

  it('skip the days that they are not meant for', () => {
    assert.equal(opensAt([night], '2026-01-30T04:00:00Z'), '2026-02-02T01:30:00.000Z')
  })

  it('follow their time zone through the changes of its clocks', () => {
    // Summer time begins on 29 March 2026.
    assert.equal(opensAt([night], '2026-03-27T12:00:00Z'), '2026-03-30T00:30:00.000Z')
  })

  it('are in UTC when nothing else is said, and may last over midnight', () => {
    assert.equal(opensAt([{ cron: '0 23 * * *', minutes: 180 }], '2026-01-29T01:00:00Z'), 'open')
  })

  it('are as open as any one of them', () => {
    const noon: MaintenanceWindow = { cron: '0 12 * * *', minutes: 30 }
    assert.equal(opensAt([night, noon], '2026-01-28T12:10:00Z'), 'open')
    assert.equal(opensAt([night, noon], '2026-01-28T12:40:00Z'), '2026-01-29T01:30:00.000Z')
  })

  it('are always open when there are none, and for a device that does not know the time', () => {
    assert.deepEqual(windowState([], new Date('2026-01-28T12:00:00Z')), { open: true })
    assert.deepEqual(windowState([night], undefined), { open: true })
  })
})
