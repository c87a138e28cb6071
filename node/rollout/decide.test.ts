/** Tests of decisions: fleets in virtual time, where no wave begins before the one before it has proved itself. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { mayName } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { RolloutPolicy, WavePolicy } from '../../protocol/release/rollout-policy.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import { joinSplit, shardedSample } from '../../test/helpers/sharded.ts'
import { type Fate, SimulatedRollout, stepMs } from '../../test/helpers/simulated-rollout.ts'
import { decide } from './decide.ts'
import type { DeviceStatus } from './evaluate-waves.ts'

function fleetOf(count: number): Release['devices'] {
  const entries = Array.from({ length: count }, (_, at) => [
    `kiosk-${at}`,
    { config: 'kiosk', site: `site-${at % 3}`, ...(at < 3 && { tags: ['canary'] }) },
  ])
  return Object.fromEntries(entries)
}

const soakSeconds = 300
const soakSteps = (soakSeconds * 1000) / stepMs
const canaries: RolloutPolicy = { waves: [{ tag: 'canary' }], soakSeconds }
const all = (devices: Release['devices'], fate: Fate): Record<string, Fate> =>
  Object.fromEntries(Object.keys(devices).map(name => [name, fate]))

describe('a rollout in waves', () => {
  it('reaches all, the second wave after the first has confirmed and soaked', () => {
    for (const hasClock of [true, false]) {
      const devices = fleetOf(9)
      const rollout = new SimulatedRollout({ policy: canaries, devices, fates: all(devices, { hasClock }) })
      rollout.run(100)
      const confirmed = Math.max(...rollout.wave(1).map(({ ended = 0 }) => ended))
      assert.ok(rollout.devices.every(({ outcome }) => outcome === 'confirmed'))
      for (const { began = 0 } of rollout.wave(2)) assert.ok(began >= confirmed + soakSteps, `clock: ${hasClock}`)
    }
  })

  it('says in words what it waits for', () => {
    const devices = fleetOf(6)
    const fates = { 'kiosk-0': { takes: 1000 }, 'kiosk-1': { takes: 1000 } }
    const rollout = new SimulatedRollout({ policy: canaries, devices, fates })
    rollout.run(10)
    assert.equal(rollout.device('kiosk-5').decision?.reason, 'wave 1 has 1 of 3 confirmed')

    const soaking = new SimulatedRollout({ policy: { ...canaries, soakSeconds: 900 }, devices, fates: {} })
    soaking.run(8)
    assert.match(
      soaking.device('kiosk-5').decision?.reason ?? '',
      /^wave 1 has 3 of 3 confirmed, soak ends in 1[345] min$/,
    )
  })

  it('is held by one failure too many, and goes on when it is promoted', () => {
    const devices = fleetOf(9)
    const rollout = new SimulatedRollout({ policy: canaries, devices, fates: { 'kiosk-1': { fails: true } } })
    rollout.run(200)
    const { decision } = rollout.device('kiosk-7')
    assert.equal(decision?.is, 'held')
    assert.equal(decision.reason, 'wave 1 has 1 of 3 failed: kiosk-1')
    assert.ok(rollout.wave(2).every(({ began }) => began === undefined))
    rollout.promote()
    rollout.run(20)
    assert.ok(rollout.wave(2).every(({ outcome }) => outcome === 'confirmed'))
  })

  it('promoted up to a wave goes on to the next only when that one has proved itself', () => {
    const devices = fleetOf(12)
    const policy: RolloutPolicy = { waves: [{ tag: 'canary' }, { count: 4 }], soakSeconds }
    const rollout = new SimulatedRollout({ policy, devices, fates: { 'kiosk-1': { fails: true } } })
    rollout.run(100)
    rollout.promote(2)
    rollout.run(4)
    assert.ok(rollout.wave(2).every(({ began }) => began !== undefined))
    assert.ok(rollout.wave(3).every(({ began }) => began === undefined))
    rollout.run(100)
    assert.ok(rollout.wave(3).every(({ outcome }) => outcome === 'confirmed'))
  })

  it('tolerates as many failures and silent devices as the policy allows', () => {
    const devices = fleetOf(9)
    const policy = { ...canaries, failures: 1, absent: 1 }
    const fates = { 'kiosk-0': { fails: true }, 'kiosk-1': { offUntil: Number.POSITIVE_INFINITY } }
    const rollout = new SimulatedRollout({ policy, devices, fates })
    rollout.run(100)
    assert.ok(rollout.wave(2).every(({ outcome }) => outcome === 'confirmed'))
    const none = new SimulatedRollout({ policy, devices, fates: all(devices, { fails: true }) })
    none.run(100)
    assert.ok(none.wave(2).every(({ began }) => began === undefined))
  })

  it('goes on by soak times that were measured before restarts', () => {
    const devices = fleetOf(4)
    const fates = { 'kiosk-3': { restarts: [5, 9, 13] } }
    const rollout = new SimulatedRollout({ policy: canaries, devices, fates })
    rollout.run(soakSteps + 8)
    assert.equal(rollout.device('kiosk-3').outcome, 'confirmed')
  })

  it('lets a site whose laptop brings the news late go on at once when the soak is long over', () => {
    const devices = fleetOf(6)
    const late = 'kiosk-5'
    const fates = all(devices, { hasClock: true })
    const groupOf = (name: string, step: number) => (name === late && step < 60 ? 1 : 0)
    const rollout = new SimulatedRollout({ policy: canaries, devices, fates, groupOf, knows: name => name !== late })
    rollout.run(64)
    assert.ok(rollout.device(late).began !== undefined)
  })
})

describe('isolated devices', () => {
  const devices = fleetOf(12)
  const isCanary = (name: string) => devices[name]?.tags !== undefined
  const groupOf = (name: string) => (isCanary(name) ? 0 : 1)

  it('wait for ever when the policy says so', () => {
    const rollout = new SimulatedRollout({ policy: canaries, devices, fates: {}, groupOf })
    rollout.run(2000)
    assert.ok(rollout.wave(2).every(({ began }) => began === undefined))
  })

  it('go on with a canary of their own after a time', () => {
    const policy: RolloutPolicy = { ...canaries, isolated: { afterSeconds: 1800 } }
    const rollout = new SimulatedRollout({ policy, devices, fates: {}, groupOf })
    const began: string[] = []
    rollout.run(200, ({ name }, { step }) => {
      if (isCanary(name)) return
      began.push(name)
      if (began.length === 1) assert.ok(step >= 60)
      else assert.equal(rollout.device(began[0] ?? '').outcome, 'confirmed')
    })
    assert.equal(began.length, 9)
  })

  it('stay where they are when their canary fails', () => {
    const policy: RolloutPolicy = { ...canaries, isolated: { afterSeconds: 1800 } }
    const rollout = new SimulatedRollout({ policy, devices, fates: all(devices, { fails: true }), groupOf })
    rollout.run(400)
    assert.equal(rollout.wave(2).filter(({ began }) => began !== undefined).length, 1)
  })

  it('are not alone while a device of the wave before is heard of', () => {
    const policy: RolloutPolicy = { ...canaries, isolated: { afterSeconds: 1800 } }
    const rollout = new SimulatedRollout({ policy, devices, fates: { 'kiosk-1': { takes: 500 } } })
    rollout.run(400)
    assert.ok(rollout.wave(2).every(({ began }) => began === undefined))
    const { reason = '' } = rollout.device('kiosk-8').decision ?? {}
    assert.match(reason, /^wave 1 has 2 of 3 confirmed; goes on alone in 30 min if nothing is heard of it$/)
  })
})

describe('any fleet, however its network splits and delays', () => {
  const wave = fc.oneof(
    fc.constant<WavePolicy>({ tag: 'canary' }),
    fc.constant<WavePolicy>({ onePerSite: true }),
    fc.integer({ min: 1, max: 4 }).map(count => ({ count })),
    fc.integer({ min: 1, max: 40 }).map(percent => ({ percent })),
  )
  const policies = fc.record({
    waves: fc.array(wave, { minLength: 1, maxLength: 3 }),
    soakSeconds: fc.constantFrom(0, 120, 600),
    failures: fc.nat(2),
    absent: fc.nat(1),
  })
  const fates = fc.record({
    fails: fc.integer({ min: 0, max: 9 }).map(roll => roll === 0),
    offUntil: fc.constantFrom(0, 0, 0, 20),
    restarts: fc.constantFrom([], [10], [15, 30]),
    hasClock: fc.boolean(),
    takes: fc.integer({ min: 1, max: 6 }),
  })
  const anything = fc.record({
    policy: policies,
    fates: fc.array(fates, { minLength: 14, maxLength: 14 }),
    salt: fc.nat(1000),
  })
  const mixed = (salt: number, ...parts: (string | number)[]) => {
    let value = salt + 7
    for (const letter of parts.join('/')) value = (Math.imul(value, 31) + letter.charCodeAt(0)) >>> 0
    return value
  }

  function simulated({ policy, fates, salt }: { policy: RolloutPolicy; fates: Fate[]; salt: number }) {
    const devices = fleetOf(fates.length)
    return new SimulatedRollout({
      policy,
      devices,
      fates: Object.fromEntries(fates.map((fate, at) => [`kiosk-${at}`, fate])),
      // Two halves that change every twenty steps, together at last.
      groupOf: (name, step) => (step > 120 ? 0 : mixed(salt, name, Math.floor(step / 20)) % 2),
      late: (from, to, step) => mixed(salt, from, to, step) % 3 !== 0,
    })
  }

  it('never touches a wave before the one before it is confirmed and has soaked, by the truth', () => {
    const check = fc.property(anything, given => {
      const rollout = simulated(given)
      const soak = (given.policy.soakSeconds ?? 0) * 1000
      rollout.run(400, (device, { step, release }) => {
        const waves = wavesOf(release)
        const own = waves.findIndex(({ devices }) => devices.includes(device.name))
        for (const before of waves.slice(0, own).filter(({ devices }) => devices.length > 0)) {
          const members = before.devices.map(name => rollout.device(name))
          const confirmed = members.filter(({ outcome }) => outcome === 'confirmed')
          const needed = Math.max(1, members.length - before.failures - before.absent)
          assert.ok(confirmed.length >= needed, `${device.name} began too early`)
          const ends = confirmed.map(({ ended = 0 }) => ended).sort((a, b) => a - b)
          assert.ok((step - (ends[needed - 1] ?? 0)) * stepMs >= soak, `${device.name} did not let it soak`)
        }
      })
    })
    fc.assert(check, { numRuns: 20 })
  })

  it('waits for devices of earlier waves whose shards are not here, and is held by failures in its own', () => {
    const rollout: RolloutPolicy = { waves: [{ count: 5 }], soakSeconds: 0 }
    const whole: Release = { ...shardedSample(200), rollout }
    const [first, last] = wavesOf(whole)
    const end = [...(first?.devices ?? [])].sort().at(-1) ?? ''
    const [self = '', other = ''] = [...(last?.devices ?? [])]
      .sort()
      .filter(name => name > end)
      .reverse()
      .filter((_, at) => at % 9 === 0)
    const split = splitRelease(whole, 500)
    const decided = (release: Release, news: [string, DeviceStatus['outcome']][]) =>
      decide({
        release,
        self,
        news: new Map(news.map(([name, outcome]) => [name, { outcome }])),
        now: { steady: 1 },
        memory: undefined,
      }).decision
    const all = first?.devices.map((name): [string, DeviceStatus['outcome']] => [name, 'confirmed']) ?? []
    const alone = joinSplit(split, { all: false, devices: [self] })
    // Its name is beyond the shards of wave 1.
    assert.match(decided(alone, all).reason, /^wave 1 has devices that are not known here yet: \d+ of its shards/)
    const part = joinSplit(split, { all: false, devices: [self], waves: { from: 1, to: 1 } })
    assert.equal(mayName(part, other), true)
    assert.deepEqual(decided(part, all), { is: 'open', wave: 2, reason: 'the waves before have confirmed' })
    const held = decided(part, [...all, [other, 'failed']])
    assert.equal(held.is, 'held')
    assert.deepEqual(held, decided(whole, [...all, [other, 'failed']]))
  })

  it("counts no failure for an earlier wave of a device that is known to be in one's own", () => {
    const rollout: RolloutPolicy = { waves: [{ count: 100, failures: 0 }], failures: 1, soakSeconds: 0 }
    const whole: Release = { ...shardedSample(200), rollout }
    const [first, last] = wavesOf(whole)
    const names = [...(first?.devices ?? [])].sort()
    const between = (last?.devices ?? []).filter(name => name > (names[0] ?? '') && name < (names.at(-1) ?? ''))
    const [self = '', mate = ''] = between
    const news = new Map<string, DeviceStatus>([[mate, { outcome: 'failed' }]])
    const split = splitRelease(whole, 100_000)
    // The whole of wave 2 is here, of wave 1 nothing.
    const part = joinSplit(split, { all: false, devices: [], waves: { from: 2, to: 2 } })
    assert.equal(wavesOf(part)[0]?.devices.length, 0)
    assert.ok(wavesOf(part)[1]?.devices.includes(mate))
    assert.equal(decide({ release: part, self, news, now: { steady: 1 }, memory: undefined }).decision.is, 'waiting')
  })

  it('never begins when the reports have more failures than are tolerated', () => {
    const check = fc.property(anything, given => {
      const rollout = simulated(given)
      rollout.run(400, (device, { release }) => {
        const waves = wavesOf(release)
        const own = waves.findIndex(({ devices }) => devices.includes(device.name))
        for (const wave of waves.slice(0, own + 1)) {
          const failed = wave.devices.filter(name => device.heard.get(name)?.outcome === 'failed')
          assert.ok(failed.length <= wave.failures)
        }
      })
    })
    fc.assert(check, { numRuns: 20 })
  })

  it('reaches everyone in the end when nothing fails and everyone is there', () => {
    const check = fc.property(anything, given => {
      const rollout = simulated({ ...given, fates: given.fates.map(fate => ({ ...fate, fails: false })) })
      rollout.run(600)
      assert.ok(rollout.devices.every(({ outcome }) => outcome === 'confirmed'))
    })
    fc.assert(check, { numRuns: 20 })
  })
})
