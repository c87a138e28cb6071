/** Tests of the gate: it opens by reports, promotions and time, and remembers over restarts. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import type { Certificate } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { Report, ReportedTurn } from '../../protocol/report/report.ts'
import { testClosure, testConfig, testFleet } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../../test/helpers/log.ts'
import { testState } from '../../test/helpers/state.ts'
import { gossipedMembers } from '../mesh/limits.ts'
import { RolloutGate, type RolloutGateComponents } from './gate.ts'

const kiosk = testConfig(testClosure('kiosk'))
const release: Release = {
  ...testFleet().published.release,
  version: 2,
  rollout: { waves: [{ tag: 'canary' }], soakSeconds: 0 },
  configs: { kiosk },
  devices: { 'kiosk-1': { config: 'kiosk', tags: ['canary'] }, 'kiosk-2': { config: 'kiosk' } },
}

async function scene(t: TestContext, self = 'kiosk-2', accepted = release) {
  const { own, clock } = await testState(t)
  const certificates = ['kiosk-1', 'kiosk-2'].map(name => ({ name, peer: name, role: 'device', issued: 'x' }))
  const reports = new Map<string, Report>()
  const directory = Object.assign(new EventEmitter(), {
    members: () => certificates as Certificate[],
    member: (peer: string) => ({ peer, report: reports.get(peer) }),
  })
  const admission = Object.assign(new EventEmitter(), { members: [] })
  const state = Object.assign(new EventEmitter(), { accepted: { release: accepted, sites: new Map() } })
  const components = { directory, admission, state, own, clock, log: silentLogger } as unknown as RolloutGateComponents
  const gate = new RolloutGate(components, { name: () => self })
  await gate.start()
  t.after(() => gate.stop())
  const stop = new AbortController()
  t.after(() => stop.abort())
  const turns: ReportedTurn[] = []
  const told = new EventEmitter()
  const news: string[] = []
  const passed = gate.pass(stop.signal, (turn, isNews) => {
    turns.push(turn)
    if (isNews) news.push(turn.reason)
    told.emit('turn')
  })
  passed.catch(() => {})
  return {
    gate,
    own,
    passed,
    turns,
    news,
    stop,
    told,
    /** A report of a device. */
    reports(peer: string, report: Partial<Report>) {
      const whole = { peer, counter: 1, state: 'running', freshness: 'fresh', ...report } as Report
      reports.set(peer, whole)
      directory.emit('report', whole)
    },
    accepts(next: Release) {
      state.accepted = { release: next, sites: new Map() }
      state.emit('changed', state.accepted)
    },
    async turn(fits: (turn: ReportedTurn) => boolean): Promise<ReportedTurn> {
      for (;;) {
        const found = turns.find(fits)
        if (found !== undefined) return found
        await new Promise(resolve => told.once('turn', resolve))
      }
    },
  }
}

describe('the rollout gate', () => {
  it('is open for the first wave', async t => {
    const { passed, turns } = await scene(t, 'kiosk-1')
    await passed
    assert.deepEqual(turns, [])
  })

  it('opens for the second one when the first has confirmed', async t => {
    const { passed, turn, reports } = await scene(t)
    const waiting = await turn(({ is }) => is === 'waiting')
    assert.deepEqual(waiting, { release: 2, wave: 2, is: 'waiting', reason: 'wave 1 has 0 of 1 confirmed' })
    reports('kiosk-1', { running: kiosk.topLevel, release: 2 })
    await passed
  })

  it('is held by a failure until the release is promoted', async t => {
    const { passed, turn, reports, accepts } = await scene(t)
    reports('kiosk-1', { state: 'rolled-back', wanted: 2, error: { code: 'health-failed', message: 'web' } })
    assert.equal((await turn(({ is }) => is === 'held')).reason, 'wave 1 has 1 of 1 failed: kiosk-1')
    accepts({ ...release, version: 3, promotes: { release: 2 } })
    await passed
  })

  it('is not held by a failure that passes, nor by one with another release', async t => {
    const { turn, turns, reports, passed } = await scene(t)
    reports('kiosk-1', { state: 'failed', wanted: 2, error: { code: 'no-peer', message: 'nobody' } })
    reports('kiosk-1', { state: 'rolled-back', wanted: 1, error: { code: 'health-failed', message: 'web' } })
    await turn(({ is }) => is === 'waiting')
    reports('kiosk-1', { running: kiosk.topLevel })
    await passed
    assert.ok(turns.every(({ is }) => is === 'waiting'))
  })

  it('waits for the maintenance window, once the wave is open', async t => {
    // One minute a year, and not the one of the test's clock.
    const windows = [{ cron: '0 0 29 2 *', minutes: 1 }]
    const closed = { ...release, configs: { kiosk: { ...kiosk, policy: { windows } } } }
    const { turn, accepts, passed } = await scene(t, 'kiosk-1', closed)
    const { reason } = await turn(({ is }) => is === 'waiting')
    assert.match(reason, /^the maintenance window opens in \d+ days \(\d{4}-02-29T00:00:00Z\)$/)
    accepts(release)
    await passed
  })

  it('says again that it waits where the reason is another one, but not in a large fleet, where all would', async t => {
    const slow = { ...release, rollout: { waves: [{ tag: 'canary' }], soakSeconds: 3600 } }
    const others = Array.from({ length: gossipedMembers }, (_, at) => [`other-${at}`, { config: 'kiosk' }] as const)
    const large = { ...slow, devices: { ...slow.devices, ...Object.fromEntries(others) } }
    for (const [accepted, told] of [
      [slow, 2],
      [large, 1],
    ] as const) {
      const { turn, reports, news } = await scene(t, 'kiosk-2', accepted)
      await turn(({ reason }) => reason === 'wave 1 has 0 of 1 confirmed')
      reports('kiosk-1', { running: kiosk.topLevel, release: 2 })
      await turn(({ reason }) => reason.includes('soak ends in'))
      assert.equal(news.length, told)
    }
  })

  it('ends with the signal', async t => {
    const { passed, turn, stop } = await scene(t)
    await turn(() => true)
    stop.abort(new Error('superseded'))
    await assert.rejects(passed)
  })

  it('keeps what it has seen for the next start', async t => {
    const slow = { ...release, rollout: { waves: [{ tag: 'canary' }], soakSeconds: 3600 } }
    const { own, turn, reports } = await scene(t, 'kiosk-2', slow)
    reports('kiosk-1', { running: kiosk.topLevel, release: 2 })
    await turn(({ reason }) => reason.includes('soak ends in'))
    assert.deepEqual(Object.keys((await own.rollout())?.confirmations ?? {}), ['1'])
  })
})

describe('a device', () => {
  const rollout = { ...release.rollout, waves: [{ tag: 'canary' }] }
  const confirmed: Partial<Report> = { release: 2, running: kiosk.topLevel }

  it('is awaited while others may go on alone, until all have ended with the release', async t => {
    const { gate, reports } = await scene(t, 'kiosk-2', {
      ...release,
      rollout: { ...rollout, isolated: { afterSeconds: 60 } },
    })
    assert.equal(gate.isAwaited, true)
    reports('kiosk-1', confirmed)
    assert.equal(gate.isAwaited, true)
    reports('kiosk-2', { wanted: 2, state: 'failed', error: { code: 'no-peers', message: '' } })
    assert.equal(gate.isAwaited, true, 'it tries again')
    reports('kiosk-2', confirmed)
    assert.equal(gate.isAwaited, false)
  })

  it('is not awaited where others wait for news', async t => {
    assert.equal((await scene(t, 'kiosk-2', { ...release, rollout })).gate.isAwaited, false)
    const { rollout: _, ...plain } = release
    assert.equal((await scene(t, 'kiosk-2', plain)).gate.isAwaited, false)
  })
})
