/** When a device reports again: after a change soon, then rarely, and often while others wait for it. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { reportFirstMs, reportLastMs } from './limits.ts'
import { ReportSchedule } from './report-schedule.ts'

const dayMs = 86_400_000

function scene(t: TestContext, random = 0.5) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const now = { changed: false, awaited: false }
  const minutes: number[] = []
  let at = 0
  const schedule = new ReportSchedule({
    hasChanged: () => now.changed,
    isAwaited: () => now.awaited,
    report: () => minutes.push(at / 60_000),
    random: () => random,
  })
  schedule.start()
  t.after(() => schedule.stop())
  const pass = (milliseconds: number) => {
    for (const end = at + milliseconds; at < end; ) {
      at += 60_000
      t.mock.timers.tick(60_000)
    }
  }
  return { now, minutes, schedule, pass }
}

describe('the report schedule', () => {
  it('repeats ever more rarely, up to every six hours', t => {
    const { minutes, pass } = scene(t)
    pass(dayMs)
    assert.deepEqual(minutes, [10, 30, 70, 150, 310, 630, 990, 1350])
    assert.equal(reportLastMs / reportFirstMs, 36)
  })

  it('begins anew after a change', t => {
    const { minutes, pass, schedule } = scene(t)
    pass(dayMs)
    schedule.changed()
    minutes.length = 0
    pass(dayMs)
    assert.deepEqual(minutes.map(each => each - 1440).slice(0, 4), [10, 30, 70, 150])
  })

  it('reports what changes without an event within ten minutes', t => {
    const { minutes, pass, now } = scene(t)
    pass(dayMs)
    minutes.length = 0
    now.changed = true
    pass(reportFirstMs)
    assert.deepEqual(minutes, [1450])
  })

  it('repeats every ten minutes while others wait for it', t => {
    const { minutes, pass, now } = scene(t)
    now.awaited = true
    pass(2 * reportLastMs)
    assert.equal(minutes.length, 72)
  })

  it('varies the time by a fifth', t => {
    const { minutes, pass } = scene(t, 0)
    pass(20 * 60_000)
    assert.deepEqual(minutes, [8])
  })
})
