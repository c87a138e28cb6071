/**
 * A fleet in virtual time, as discrete events: gossip that loses messages, syncs, sites that are cut off, a visiting laptop,
 * devices that go off, copies of a device, and liars. Each device decides on its turn by the project's own code.
 */

import { decide, type Memory } from '../../node/rollout/decide.ts'
import { newsOf } from '../../node/rollout/news.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { readCertificate } from '../../protocol/members/certificate.ts'
import type { Ranges } from '../../protocol/messages/ranges.ts'
import type { Release } from '../../protocol/release/release.ts'
import { type Report, verifyReport } from '../../protocol/report/report.ts'
import type { Random } from '../attack/fuzz/random.ts'
import type { LargeDevice, LargeFleet } from '../helpers/large-fleet.ts'
import { type Signed, SimulatedPeer, sync } from './simulated-peer.ts'
import { VirtualTime } from './virtual-time.ts'

const seconds = 1000
/** How often a device looks at its turn, and synchronises with a random neighbour. */
const lookMs = 20 * seconds
const syncMs = 60 * seconds
const hopMs = 200

export interface FleetInit {
  readonly random: Random
  readonly large: LargeFleet
  /** Links of each device within its site, and to devices anywhere. */
  readonly links: { readonly near: number; readonly far: number }
  /** Of gossiped messages, the part that is lost: one in so many. */
  readonly lostOneIn: number
  readonly rollout: NonNullable<Release['rollout']>
  /** Whether two devices reach each other at a time. */
  readonly reach?: (one: SimulatedDevice, other: SimulatedDevice, ms: number) => boolean
  readonly isOn?: (device: SimulatedDevice, ms: number) => boolean
  readonly isLiar?: (device: SimulatedDevice) => boolean
}

export interface SimulatedDevice {
  readonly number: number
  readonly device: LargeDevice
  readonly peer: SimulatedPeer
  readonly neighbours: SimulatedDevice[]
  counter: number
  memory: Memory | undefined
  began: number | undefined
  confirmed: number | undefined
}

export class SimulatedFleet {
  readonly time = new VirtualTime()
  readonly devices: readonly SimulatedDevice[]
  readonly release: Release
  readonly #large: LargeFleet
  readonly #init: FleetInit
  /** Sent by syncs, both ways. */
  syncBytes = 0
  /** Hears of each device that begins, before it does. */
  onBegin: (device: SimulatedDevice, ms: number) => void = () => {}

  constructor(init: FleetInit) {
    this.#init = init
    this.#large = init.large
    this.release = { ...this.#large.fleet.published.release, rollout: init.rollout }
    this.devices = this.#large.devices.map((device, number) => ({
      number,
      device,
      peer: new SimulatedPeer(),
      neighbours: [],
      counter: 0,
      memory: undefined,
      began: undefined,
      confirmed: undefined,
    }))
    // Read once: nobody changes them.
    const certificates = this.#large.devices.map(({ certificate: envelope }) => {
      return { document: readCertificate(envelope), envelope }
    })
    for (const { peer } of this.devices) for (const certificate of certificates) peer.addCertificate(certificate)
    this.#link()
    const { random } = init
    for (const device of this.devices) {
      this.time.every(lookMs, random.below(lookMs), () => this.#look(device))
      this.time.every(syncMs, random.below(syncMs), () => this.#sync(device))
    }
  }

  isOn(device: SimulatedDevice): boolean {
    return this.#init.isOn?.(device, this.time.now) ?? true
  }

  /** All devices know the same of each other. */
  get isConvergent(): boolean {
    return new Set(this.devices.map(each => this.knownBy(each))).size === 1
  }

  /** The fingerprint of what a device knows. */
  knownBy({ peer }: SimulatedDevice): string {
    return Buffer.from(peer.holdings.printOfAll).toString('hex')
  }

  /** A report that a copy of the device signs with its key: that it waits. */
  copyOf({ device }: SimulatedDevice, counter: number): Signed<Report> {
    const envelope = this.#large.report(device, counter, { state: 'waiting' })
    return { document: verifyReport(envelope, this.#large.fleet.fleet), envelope }
  }

  /** A report of a device, signed with its key: that it runs the release, or that it waits. */
  report(device: SimulatedDevice): Signed<Report> {
    const at = timeText(this.#clock())
    const said = device.confirmed === undefined ? ({ at, state: 'waiting' } as const) : { at, since: at }
    const envelope = this.#large.report(device.device, ++device.counter, said)
    return { document: verifyReport(envelope, this.#large.fleet.fleet), envelope }
  }

  /** Two devices that may connect to each other. */
  link(one: SimulatedDevice, other: SimulatedDevice): void {
    if (one === other || one.neighbours.includes(other)) return
    one.neighbours.push(other)
    other.neighbours.push(one)
  }

  /** Tells the neighbours, who tell theirs. */
  gossip(from: SimulatedDevice, report: Signed<Report>): void {
    if (!from.peer.addReport(report)) return
    this.#forward(from, report)
  }

  #forward(from: SimulatedDevice, report: Signed<Report>): void {
    const { random, lostOneIn } = this.#init
    if (this.#init.isLiar?.(from) && report.document.peer !== from.device.peer) return
    for (const to of from.neighbours) {
      if (random.once(lostOneIn)) continue
      this.time.after(hopMs + random.below(hopMs), () => {
        if (this.#reach(from, to)) this.gossip(to, report)
      })
    }
  }

  #sync(device: SimulatedDevice): void {
    const { random, isLiar } = this.#init
    if (device.neighbours.length === 0) return
    const other = random.pick(device.neighbours)
    if (!this.#reach(device, other)) return
    const liar = [device, other].find(each => isLiar?.(each))
    const before = [device, other].map(({ peer }) => new Set(peer.reports.values()))
    try {
      const lie = liar && { by: liar.peer, twist: (said: Ranges) => twisted(said, random) }
      this.syncBytes += sync(device.peer, other.peer, lie).bytes
    } catch (thrown) {
      // The honest side has refused what the liar said.
      if (liar === undefined) throw thrown
    }
    for (const [at, side] of [device, other].entries()) {
      const news = [...side.peer.reports.values()].filter(report => !before[at]?.has(report))
      // As a real peer does: a little goes on by gossip, much by the next syncs.
      if (news.length <= 32) for (const report of news) this.#forward(side, report)
    }
  }

  /** A device decides on its turn, by what it has heard only. */
  #look(device: SimulatedDevice): void {
    if (!this.isOn(device) || device.began !== undefined) return
    const { certificates, reports } = device.peer
    const known = (peer: string) => ({ report: reports.get(peer)?.document, heardAt: this.time.now })
    const news = newsOf(this.release, [...certificates.values()], known)
    const now = { steady: this.time.now, clock: this.#clock() }
    const { name } = device.device
    const made = decide({ release: this.release, self: name, news, now, memory: device.memory })
    device.memory = made.memory
    if (made.decision.is !== 'open') return
    this.onBegin(device, this.time.now)
    device.began = this.time.now
    this.time.after(20 * seconds + this.#init.random.below(60 * seconds), () => this.#confirm(device))
  }

  #confirm(device: SimulatedDevice): void {
    device.confirmed = this.time.now
    this.gossip(device, this.report(device))
  }

  #reach(one: SimulatedDevice, other: SimulatedDevice): boolean {
    return this.isOn(one) && this.isOn(other) && (this.#init.reach?.(one, other, this.time.now) ?? true)
  }

  #clock(): Date {
    return new Date(this.#large.fleet.now.getTime() + this.time.now)
  }

  #link(): void {
    const { random, links } = this.#init
    const sites = Map.groupBy(this.devices, ({ device }) => device.site)
    for (const device of this.devices) {
      const near = sites.get(device.device.site) ?? []
      for (let each = 0; each < links.near; each++) this.link(device, random.pick(near))
      for (let each = 0; each < links.far; each++) this.link(device, random.pick(this.devices))
    }
  }
}

/** Hides, invents and exchanges some of what would be said. */
function twisted({ ranges, wants }: Ranges, random: Random): Ranges {
  return {
    ranges: ranges.map(([to, said]): Ranges['ranges'][number] => {
      if (said === undefined || random.once(3)) return [to]
      if (said instanceof Uint8Array) return [to, random.once(2) ? said : random.bytes(said.length)]
      return [to, said.map(([key, rank, counter]) => [key, rank, random.once(2) ? counter : counter + 1_000_000])]
    }),
    wants: wants.filter(() => random.once(2)),
  }
}
