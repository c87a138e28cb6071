/** Tests of what a peer keeps about itself, and of the time that it relies on. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { daysAfter, testNow, testStorePath } from '../../test/helpers/fleet.ts'
import { testState } from '../../test/helpers/state.ts'
import { Clock } from './clock.ts'
import { clockBehindMs, floorJumpMs } from './limits.ts'
import { OwnState } from './own-state.ts'

describe('OwnState', () => {
  it('counts reports upwards, over a restart', async t => {
    const { directory, database, own } = await testState(t)
    assert.equal(await own.nextReportCounter(), 1)
    assert.equal(await own.nextReportCounter(), 2)
    await database.close()
    const again = await testState(t, { directory })
    assert.equal(await again.own.nextReportCounter(), 3)
  })

  it('counts on from what others have seen of it', async t => {
    const { own } = await testState(t)
    assert.equal(await own.nextReportCounter(41), 42)
    assert.equal(await own.nextReportCounter(7), 43)
  })

  it('has no number beyond what its certificate allows, and goes on from what others have with the next one', async t => {
    const { own } = await testState(t)
    assert.equal(await own.nextReportCounter(98, 100), 99)
    assert.equal(await own.nextReportCounter(100, 100), undefined)
    assert.equal(await own.nextReportCounter(100, 200), 101)
    // A counter above the bound is from an earlier version, and no other peer has kept it.
    await own.nextReportCounter(2 ** 48 - 1)
    assert.equal(await own.nextReportCounter(101, 200), 102)
  })

  it('keeps its certificate and what runs', async t => {
    const { own } = await testState(t)
    assert.deepEqual([await own.certificate(), await own.running()], [undefined, undefined])
    const topLevel = testStorePath('kiosk')
    await own.setCertificate(Uint8Array.of(1, 2))
    await own.setRunning({ release: 1, config: 'kiosk', topLevel })
    assert.deepEqual(await own.certificate(), Buffer.of(1, 2))
    assert.deepEqual(await own.running(), { release: 1, config: 'kiosk', topLevel })
  })

  it('takes what it cannot read for nothing', async t => {
    const { database } = await testState(t)
    const table = database.table('own')
    await table.put('running', Buffer.from('{"release":0}'))
    await table.put('report-counter', Buffer.from('many'))
    await table.put('time-floor', Buffer.from('late'))
    const own = new OwnState(database)
    assert.equal(await own.running(), undefined)
    assert.equal(await own.nextReportCounter(), 1)
    assert.equal((await own.timeFloor()).getTime(), 0)
  })
})

describe('Clock', () => {
  it("trusts the system's clock, as long as it is not behind the time floor", async t => {
    let now = testNow
    const { own } = await testState(t)
    const clock = await Clock.load(own, 'system', { now: () => now })
    assert.ok(clock.live)
    assert.equal(clock.now, now)
    assert.equal(clock.reference, now)
    const later = daysAfter(testNow, 1)
    await clock.raiseFloor(later)
    assert.ok(!clock.live)
    assert.equal(clock.now, undefined)
    assert.equal(clock.reference, later)
    now = daysAfter(testNow, 2)
    assert.ok(clock.live)
  })

  it('is lifted by a signed date in the far future by one step only, and taken back with the key', async t => {
    const { own } = await testState(t)
    const imageTime = daysAfter(testNow, -100)
    const clock = await Clock.load(own, 'none', { imageTime })
    assert.deepEqual(clock.reference, imageTime, 'the image is older than now')
    await clock.raiseFloor(daysAfter(testNow, 30_000))
    assert.deepEqual(clock.reference, new Date(imageTime.getTime() + floorJumpMs))
    await clock.resetFloor()
    assert.deepEqual((await Clock.load(own, 'none', { imageTime })).reference, imageTime)
  })

  it('that runs bounds the first word, too', async t => {
    let now = testNow
    const { own } = await testState(t)
    const clock = await Clock.load(own, 'system', { now: () => now })
    await clock.raiseFloor(daysAfter(testNow, 30_000))
    assert.deepEqual(await own.timeFloor(), new Date(testNow.getTime() + clockBehindMs))
    now = daysAfter(testNow, 31)
    assert.ok(clock.live)
  })

  it('that can not be right, as on a board without a battery, takes the first word as it is', async t => {
    const { own } = await testState(t)
    const clock = await Clock.load(own, 'system', { now: () => new Date(0) })
    await clock.raiseFloor(testNow)
    assert.deepEqual(clock.reference, testNow)
  })

  it('that runs is not put in doubt for long by a signed date in the far future', async t => {
    let now = testNow
    const { own } = await testState(t)
    const clock = await Clock.load(own, 'system', { now: () => now, imageTime: daysAfter(testNow, -1) })
    await clock.raiseFloor(daysAfter(testNow, 30_000))
    assert.ok(!clock.live)
    now = new Date(testNow.getTime() + clockBehindMs)
    assert.ok(clock.live)
  })

  it('bounds all signed dates together, from when a trusted clock ran last, over restarts', async t => {
    const { own } = await testState(t)
    const now = () => testNow
    const highest = new Date(testNow.getTime() + clockBehindMs)
    await (await Clock.load(own, 'system', { now })).raiseFloor(daysAfter(testNow, 30_000))
    const clock = await Clock.load(own, 'system', { now })
    assert.ok(!clock.live)
    await clock.raiseFloor(daysAfter(testNow, 60_000))
    assert.deepEqual(await own.timeFloor(), highest)
    // The battery is empty now: years may have passed, so the bound is wider.
    const dead = await Clock.load(own, 'system', { now: () => new Date(0) })
    for (const days of [30_000, 60_000]) await dead.raiseFloor(daysAfter(testNow, days))
    assert.deepEqual(await own.timeFloor(), new Date(testNow.getTime() + floorJumpMs))
  })

  it('never lets the floor fall, over a restart', async t => {
    const { own } = await testState(t)
    const clock = await Clock.load(own, 'none')
    await clock.raiseFloor(testNow)
    await clock.raiseFloor(daysAfter(testNow, -1))
    await clock.raiseFloor(new Date(Number.NaN))
    const again = await Clock.load(own, 'none')
    assert.ok(!again.live)
    assert.deepEqual(again.reference, testNow)
    assert.equal(again.now, undefined)
  })
})
