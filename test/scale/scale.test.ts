/**
 * A whole fleet in virtual time: whatever is cut off, lost, switched off, copied or lied about, no wave opens early by the
 * truth, and all come to know the same. `THYMESH_SEEDS=1000 node --test test/scale/scale.test.ts` takes long: two seconds of
 * processor time a seed. `THYMESH_FIRST_SEED` is where it begins, for a run in parts.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { wavesOf } from '../../protocol/release/waves.ts'
import { Random } from '../attack/fuzz/random.ts'
import { LargeFleet } from '../helpers/large-fleet.ts'
import { type FleetInit, type SimulatedDevice, SimulatedFleet } from './simulated-fleet.ts'

const minutes = 60_000
const seeds = Number(process.env.THYMESH_SEEDS ?? 2)
const firstSeed = Number(process.env.THYMESH_FIRST_SEED ?? 1)
/** Three sites of 20 devices each. */
const large = new LargeFleet(60)
const links = { near: 3, far: 3 }
const rollout: FleetInit['rollout'] = {
  waves: [{ tag: 'canary' }, { onePerSite: true }, { percent: 25 }],
  soakSeconds: 60,
  isolated: 'wait',
}
const limitMs = 6 * 60 * minutes

/** Every device that begins does so after all of the waves before it, by the truth and not by what it has heard. */
function watched(init: FleetInit): SimulatedFleet {
  const fleet = new SimulatedFleet(init)
  const waves = wavesOf(fleet.release).map(({ devices }) => new Set(devices))
  const waveOf = ({ device }: SimulatedDevice) => waves.findIndex(devices => devices.has(device.name))
  assert.ok(waves.length >= 4 && waves.every(({ size }) => size > 0))
  fleet.onBegin = (device, ms) => {
    for (const other of fleet.devices) {
      if (waveOf(other) >= waveOf(device)) continue
      assert.ok(other.confirmed !== undefined, `${device.device.name} began before ${other.device.name} had confirmed`)
      assert.ok(ms - other.confirmed >= 59_000, `${device.device.name} did not let ${other.device.name} soak`)
    }
  }
  return fleet
}

const isDone = (fleet: SimulatedFleet) => () => fleet.devices.every(({ confirmed }) => confirmed !== undefined)

/** Runs to the end of the rollout, and until all know of it: half an hour after the devices stay on, at the latest. */
function finish(fleet: SimulatedFleet, { calmMs = 0 } = {}): void {
  assert.ok(fleet.time.run(limitMs, isDone(fleet)), 'the rollout does not come to its end')
  assert.ok(
    fleet.time.run(30 * minutes + Math.max(0, calmMs - fleet.time.now), () => fleet.isConvergent),
    'they do not come to know the same',
  )
}

/** Runs all seeds, and fails with every one that did. */
function eachSeed(run: (random: Random, seed: number) => void): void {
  const failed: Error[] = []
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      run(new Random(seed), seed)
    } catch (thrown) {
      failed.push(new Error(`seed ${seed}`, { cause: thrown }))
    }
  }
  if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join(', '))
}

describe('a fleet in virtual time', () => {
  it('rolls out in order although a third of all gossip is lost', () => {
    eachSeed(random => finish(watched({ random, large, links, lostOneIn: 3, rollout })))
  })

  it('waits for a site that is cut off, and goes on by what a visiting laptop carries', () => {
    eachSeed(random => {
      const laptop = random.below(20)
      // Site 1 reaches nobody but the laptop, which is there and elsewhere in turns.
      const away = (device: SimulatedDevice) => device.device.site === 'site-001'
      const atSite = (device: SimulatedDevice, ms: number) =>
        device.number === laptop ? Math.floor(ms / (10 * minutes)) % 2 === 1 : away(device)
      const reach = (one: SimulatedDevice, other: SimulatedDevice, ms: number) => atSite(one, ms) === atSite(other, ms)
      const fleet = watched({ random, large, links, lostOneIn: 10, rollout, reach })
      for (const device of fleet.devices) if (away(device)) fleet.link(device, fleet.devices[laptop] ?? device)
      finish(fleet)
    })
  })

  it('rolls out in order while devices go off and come back', () => {
    const calmMs = 120 * minutes
    eachSeed((random, seed) => {
      const isOn = ({ number }: SimulatedDevice, ms: number) =>
        ms > calmMs || new Random(seed * 7919 + number * 104_729 + Math.floor(ms / (7 * minutes))).below(4) > 0
      finish(watched({ random, large, links, lostOneIn: 10, rollout, isOn }), { calmMs })
    })
  })

  it('is neither hurried nor kept apart by devices that lie in syncs and pass no gossip on', () => {
    eachSeed(random => {
      const liars = new Set([random.below(60), random.below(60), random.below(60)])
      const isLiar = ({ number }: SimulatedDevice) => liars.has(number)
      const fleet = watched({ random, large, links, lostOneIn: 5, rollout, isLiar })
      assert.ok(fleet.time.run(limitMs, isDone(fleet)), 'the rollout does not come to its end')
      const honest = () =>
        new Set(fleet.devices.filter(each => !isLiar(each)).map(each => fleet.knownBy(each))).size === 1
      assert.ok(fleet.time.run(60 * minutes, honest), 'the honest ones do not come to know the same')
    })
  })

  it('waits when a copy of a device speaks in its name, until the device speaks again', () => {
    eachSeed(random => {
      const fleet = watched({ random, large, links, lostOneIn: 5, rollout })
      // The canary's copy says that it waits, with counters that the canary reaches later.
      const canary = fleet.devices[0] as SimulatedDevice
      const place = random.pick(fleet.devices.slice(1))
      fleet.gossip(place, fleet.copyOf(canary, 5))
      fleet.time.run(20 * minutes)
      assert.ok(canary.confirmed !== undefined)
      assert.ok(fleet.devices.every(each => each === canary || each.began === undefined))
      canary.counter = 5
      fleet.gossip(canary, fleet.report(canary))
      finish(fleet)
    })
  })
})
