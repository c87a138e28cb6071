/** A fleet in virtual time: every device decides by what it has heard, over a network that splits, delays and is silent. */

import { decide, type Memory } from '../../node/rollout/decide.ts'
import type { Decision } from '../../node/rollout/decision.ts'
import type { DeviceStatus } from '../../node/rollout/evaluate-waves.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { RolloutPolicy } from '../../protocol/release/rollout-policy.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { Outcome } from '../../protocol/report/outcome.ts'
import { testClosure, testConfig, testFleet } from './fleet.ts'

export const stepMs = 30_000

/** Events of a device. */
export interface Fate {
  /** Its update fails. */
  fails?: boolean
  /** It is off at first, until this step; for ever with Infinity. */
  offUntil?: number
  /** It restarts at these steps, and forgets what it had only heard. */
  restarts?: readonly number[]
  hasClock?: boolean
  /** Steps that its update takes. */
  takes?: number
}

export interface SimulationInit {
  policy: RolloutPolicy
  devices: Release['devices']
  fates: Readonly<Record<string, Fate>>
  /** Which devices reach each other at a step: a group for each, by number. */
  groupOf?: (name: string, step: number) => number
  /** Whether what `to` could hear of `from` at this step is late. */
  late?: (from: string, to: string, step: number) => boolean
  /** The number of devices that know the release at step 0: all of them, or those of these groups. */
  knows?: (name: string) => boolean
}

interface Told {
  outcome: Outcome
  since?: Date
  at: Date
}

export class SimulatedDevice {
  readonly name: string
  readonly fate: Fate
  outcome: Outcome = 'pending'
  /** The step at which it began to update. */
  began: number | undefined
  ended: number | undefined
  decision: Decision | undefined
  knowsRelease: boolean
  memory: Memory | undefined
  steady = 0
  started = 0
  heard = new Map<string, Told & { heardAt?: number }>()

  constructor(name: string, fate: Fate, knowsRelease: boolean) {
    this.name = name
    this.fate = fate
    this.knowsRelease = knowsRelease
  }

  isOn(step: number): boolean {
    return step >= (this.fate.offUntil ?? 0)
  }
}

/** Midnight of the release: step 0. */
const epoch = new Date('2026-01-31T12:00:00Z')

export class SimulatedRollout {
  release: Release
  readonly devices: readonly SimulatedDevice[]
  readonly #init: SimulationInit
  step = 0

  constructor(init: SimulationInit) {
    this.#init = init
    const kiosk = testConfig(testClosure('kiosk'))
    this.release = {
      v: 1,
      fleet: testFleet().fleet,
      version: 2,
      created: '2026-01-31T12:00:00Z',
      message: '',
      rollout: init.policy,
      configs: { kiosk },
      devices: init.devices,
    }
    const knows = init.knows ?? (() => true)
    this.devices = Object.keys(init.devices).map(name => {
      return new SimulatedDevice(name, init.fates[name] ?? {}, knows(name))
    })
  }

  /** A promotion reaches whoever is in reach as releases do. */
  promote(waves?: number): void {
    const { version, promotes, ...rest } = this.release
    const content = { release: promotes?.release ?? version, ...(waves !== undefined && { waves }) }
    this.release = { ...rest, version: version + 1, promotes: content }
  }

  run(steps: number, onBegin: (device: SimulatedDevice, rollout: SimulatedRollout) => void = () => {}): void {
    const end = this.step + steps
    for (; this.step < end; this.step++) {
      for (const device of this.devices) this.#tell(device)
      for (const device of this.devices) this.#live(device, onBegin)
    }
  }

  device(name: string): SimulatedDevice {
    const found = this.devices.find(each => each.name === name)
    if (found === undefined) throw new RangeError(`expected a device ${name}`)
    return found
  }

  /** Devices of a wave, from 1. */
  wave(number: number): SimulatedDevice[] {
    return (wavesOf(this.release)[number - 1]?.devices ?? []).map(name => this.device(name))
  }

  /** Reaches all others of its group that hear it in time, with what it says and what it has heard. */
  #tell(device: SimulatedDevice): void {
    const { groupOf = () => 0, late = () => false } = this.#init
    if (!device.isOn(this.step)) return
    for (const other of this.devices) {
      const apart = groupOf(device.name, this.step) !== groupOf(other.name, this.step)
      if (other === device || apart || !other.isOn(this.step) || late(device.name, other.name, this.step)) continue
      other.knowsRelease ||= device.knowsRelease
      other.heard.set(device.name, { ...this.#report(device), heardAt: other.steady })
      for (const [name, told] of device.heard) {
        const known = other.heard.get(name)
        if (name !== other.name && (known === undefined || known.at < told.at)) {
          other.heard.set(name, { ...told, heardAt: other.steady })
        }
      }
    }
  }

  #report(device: SimulatedDevice): Told {
    const since = device.ended !== undefined && device.fate.hasClock ? at(device.ended) : undefined
    return { outcome: device.outcome, at: at(this.step), ...(since && { since }) }
  }

  #live(device: SimulatedDevice, onBegin: (device: SimulatedDevice, rollout: SimulatedRollout) => void): void {
    const { fate } = device
    if (!device.isOn(this.step)) return
    device.steady += stepMs
    if (fate.restarts?.includes(this.step)) {
      device.started = device.steady
      // Reports are kept, when they came isn't.
      for (const [name, { heardAt, ...told }] of device.heard) device.heard.set(name, told)
    }
    if (device.began !== undefined) {
      if (device.outcome !== 'pending' || this.step < device.began + (fate.takes ?? 2)) return
      device.outcome = fate.fails ? 'failed' : 'confirmed'
      device.ended = this.step
      return
    }
    if (!device.knowsRelease) return
    const news = new Map<string, DeviceStatus>([...device.heard, [device.name, { outcome: device.outcome }]])
    const now = { steady: device.steady, started: device.started, ...(fate.hasClock && { clock: at(this.step) }) }
    const made = decide({ release: this.release, self: device.name, news, now, memory: device.memory })
    device.memory = made.memory
    device.decision = made.decision
    if (made.decision.is !== 'open') return
    onBegin(device, this)
    device.began = this.step
  }
}

function at(step: number): Date {
  return new Date(epoch.getTime() + step * stepMs)
}
