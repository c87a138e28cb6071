/** A swarm in virtual time: schedulers of devices at one site, remote seeds behind one uplink, links with rates. */

import { Bitfield } from '../../node/swarm/chunks/bitfield.ts'
import type { SchedulerLimits } from '../../node/swarm/limits.ts'
import { Scheduler } from '../../node/swarm/schedule/scheduler.ts'

export interface SimulatedDevice {
  readonly joinsAtMs?: number
  /** It goes, and its connections with it. */
  readonly vanishesAtMs?: number
  /** Its connections stay, but it neither sends nor takes anything any more. */
  readonly stallsAtMs?: number
  /** It says that it has everything and fails every request. */
  readonly lies?: boolean
  /** It has no way to the seeds, and knows of none. */
  readonly hasNoUplink?: boolean
  /** It has it all and only gives. */
  readonly seeds?: boolean
}

export interface Simulation {
  readonly lengths: Uint32Array
  readonly devices: readonly SimulatedDevice[]
  /** Remote peers that have everything; each sends at most at its rate, in bytes a second. */
  readonly seeds: readonly { readonly rate: number; readonly stallsAtMs?: number; readonly lies?: boolean }[]
  readonly uplinkRate: number
  readonly lanRate: number
  readonly random: () => number
  readonly limits?: Partial<SchedulerLimits>
}

export interface SimulationResult {
  /** When each device had everything; undefined for those that never did. */
  readonly doneAtMs: (number | undefined)[]
  readonly uplinkBytes: number
  readonly lanBytes: number
  readonly seedBytes: number[]
  readonly turns: number
}

const lanLatencyMs = 1
const uplinkLatencyMs = 20
const maxEvents = 3_000_000

interface Device extends SimulatedDevice {
  readonly id: string
  readonly has: Bitfield
  scheduler: Scheduler | undefined
  isHere: boolean
  isStalled: boolean
  wakeAt: number
  doneAt: number | undefined
}

/** Sends one answer after the other; those of different receivers take turns, so that they share the rate. */
class Link {
  readonly #queues = new Map<string, { chunk: number; deliver: (now: number) => void }[]>()
  readonly #turns: string[] = []
  busy = false

  add(to: string, chunk: number, deliver: (now: number) => void): void {
    const queue = this.#queues.get(to) ?? []
    this.#queues.set(to, queue)
    if (queue.length === 0) this.#turns.push(to)
    queue.push({ chunk, deliver })
  }

  /** Takes back what isn't on its way. */
  cancel(to: string, chunk: number): void {
    const queue = this.#queues.get(to)
    const at = queue?.findIndex(each => each.chunk === chunk) ?? -1
    if (queue === undefined || at < 0) return
    queue.splice(at, 1)
    if (queue.length === 0) this.#turns.splice(this.#turns.indexOf(to), 1)
  }

  clear(to: string): void {
    this.#queues.delete(to)
    const at = this.#turns.indexOf(to)
    if (at >= 0) this.#turns.splice(at, 1)
  }

  take(): { chunk: number; deliver: (now: number) => void } | undefined {
    const to = this.#turns.shift()
    const queue = to === undefined ? undefined : this.#queues.get(to)
    const first = queue?.shift()
    if (to !== undefined && queue !== undefined && queue.length > 0) this.#turns.push(to)
    return first
  }
}

/** Future events by their time: a binary heap of the times, and a queue for each. */
class Clock {
  now = 0
  readonly #buckets = new Map<number, (() => void)[]>()
  readonly #times: number[] = []

  at(time: number, run: () => void): void {
    const key = Math.max(time, this.now)
    const bucket = this.#buckets.get(key)
    if (bucket !== undefined) bucket.push(run)
    else {
      this.#buckets.set(key, [run])
      this.#push(key)
    }
  }

  step(): boolean {
    const time = this.#times[0]
    if (time === undefined) return false
    this.now = time
    const bucket = this.#buckets.get(time)
    const run = bucket?.shift()
    if (run !== undefined) run()
    if (bucket?.length === 0) {
      this.#buckets.delete(time)
      this.#pop()
    }
    return true
  }

  #push(time: number): void {
    const heap = this.#times
    let at = heap.push(time) - 1
    while (at > 0 && (heap[(at - 1) >> 1] as number) > time) {
      heap[at] = heap[(at - 1) >> 1] as number
      at = (at - 1) >> 1
    }
    heap[at] = time
  }

  #pop(): void {
    const heap = this.#times
    const last = heap.pop() as number
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++
      if (child >= heap.length || (heap[child] as number) >= last) break
      heap[at] = heap[child] as number
      at = child
    }
    heap[at] = last
  }
}

/** Runs until every device that can has everything, or nothing happens any more. */
export function simulate(simulation: Simulation): SimulationResult {
  const { lengths, random } = simulation
  const clock = new Clock()
  const length = (chunk: number) => lengths[chunk] as number
  const result = { uplinkBytes: 0, lanBytes: 0, seedBytes: simulation.seeds.map(() => 0), turns: 0 }
  const devices: Device[] = simulation.devices.map((device, index) => ({
    ...device,
    id: `device ${index}`,
    has: device.seeds ? Bitfield.full(lengths.length) : new Bitfield(lengths.length),
    scheduler: undefined,
    isHere: false,
    isStalled: false,
    wakeAt: Number.POSITIVE_INFINITY,
    doneAt: undefined,
  }))
  const seedLinks = simulation.seeds.map(() => new Link())
  const lan = new Map<string, Link>()
  /** The uplink is a pipe that seeds use in turn. */
  let uplinkFreeAt = 0

  const lanLink = (from: Device, to: Device) => {
    const key = `${from.id}>${to.id}`
    const link = lan.get(key) ?? new Link()
    lan.set(key, link)
    return link
  }

  const pumpLan = (from: Device, to: Device, link: Link) => {
    if (link.busy || from.isStalled || !from.isHere) return
    const job = link.take()
    if (job === undefined) return
    link.busy = true
    clock.at(clock.now + (length(job.chunk) * 1000) / simulation.lanRate, () => {
      link.busy = false
      result.lanBytes += length(job.chunk)
      clock.at(clock.now + lanLatencyMs, () => job.deliver(clock.now))
      pumpLan(from, to, link)
    })
  }

  const pumpSeed = (index: number) => {
    const link = seedLinks[index] as Link
    const seed = simulation.seeds[index] as Simulation['seeds'][number]
    if (link.busy || clock.now >= (seed.stallsAtMs ?? Number.POSITIVE_INFINITY)) return
    const job = link.take()
    if (job === undefined) return
    link.busy = true
    const bytes = length(job.chunk)
    const onUplink = Math.max(clock.now, uplinkFreeAt) + (bytes * 1000) / simulation.uplinkRate
    uplinkFreeAt = onUplink
    clock.at(Math.max(onUplink, clock.now + (bytes * 1000) / seed.rate), () => {
      link.busy = false
      result.uplinkBytes += bytes
      result.seedBytes[index] = (result.seedBytes[index] as number) + bytes
      clock.at(clock.now + uplinkLatencyMs, () => job.deliver(clock.now))
      pumpSeed(index)
    })
  }

  const deliver = (device: Device, from: string, chunk: number) => {
    if (!device.isHere || device.isStalled || device.scheduler === undefined) return
    const { duplicatesToCancel } = device.scheduler.received(from, chunk, clock.now)
    for (const { peer } of duplicatesToCancel) cancel(device, peer, chunk)
    if (!device.has.has(chunk)) {
      device.has.add(chunk)
      for (const other of devices) {
        if (other === device || !other.isHere) continue
        clock.at(clock.now + lanLatencyMs, () => {
          if (!other.isHere || other.isStalled || !device.isHere) return
          other.scheduler?.peerHas(device.id, chunk, clock.now)
          turn(other)
        })
      }
      if (device.has.isFull) device.doneAt = clock.now
    }
    turn(device)
  }

  const fail = (device: Device, from: string, chunk: number) => {
    if (!device.isHere || device.isStalled) return
    device.scheduler?.failed(from, chunk, clock.now)
    turn(device)
  }

  const seedOf = (peer: string) => (peer.startsWith('seed') ? Number(peer.slice(5)) : undefined)

  const send = (device: Device, peer: string, chunk: number) => {
    const seed = seedOf(peer)
    if (seed !== undefined) {
      clock.at(clock.now + uplinkLatencyMs, () => {
        if (simulation.seeds[seed]?.lies) return fail(device, peer, chunk)
        seedLinks[seed]?.add(device.id, chunk, () => deliver(device, peer, chunk))
        pumpSeed(seed)
      })
      return
    }
    const from = devices.find(each => each.id === peer) as Device
    clock.at(clock.now + lanLatencyMs, () => {
      if (!from.isHere || from.isStalled) return
      if (from.lies || !from.has.has(chunk)) return fail(device, peer, chunk)
      const link = lanLink(from, device)
      link.add(device.id, chunk, () => deliver(device, peer, chunk))
      pumpLan(from, device, link)
    })
  }

  const cancel = (device: Device, peer: string, chunk: number) => {
    const seed = seedOf(peer)
    clock.at(clock.now + (seed === undefined ? lanLatencyMs : uplinkLatencyMs), () => {
      if (seed !== undefined) seedLinks[seed]?.cancel(device.id, chunk)
      else lan.get(`${peer}>${device.id}`)?.cancel(device.id, chunk)
    })
  }

  const turn = (device: Device) => {
    if (device.scheduler === undefined || !device.isHere || device.isStalled) return
    result.turns++
    const { requests, cancels, wakeAt } = device.scheduler.next(clock.now)
    for (const { peer, chunk } of cancels) cancel(device, peer, chunk)
    for (const { peer, chunk } of requests) send(device, peer, chunk)
    if (wakeAt === undefined || wakeAt === device.wakeAt) return
    device.wakeAt = wakeAt
    clock.at(wakeAt, () => {
      if (device.wakeAt !== wakeAt) return
      device.wakeAt = Number.POSITIVE_INFINITY
      turn(device)
    })
  }

  const join = (device: Device) => {
    device.isHere = true
    const isFetching = !device.seeds && !device.lies
    if (isFetching) {
      const scheduler = new Scheduler({ self: device.id, lengths, random, limits: simulation.limits })
      device.scheduler = scheduler
      scheduler.want(lengths.keys())
      if (!device.hasNoUplink) {
        simulation.seeds.forEach((_, index) => {
          scheduler.addPeer({ id: `seed ${index}`, local: false }, clock.now)
          scheduler.peerHas(`seed ${index}`, 'all', clock.now)
        })
      }
    }
    const introduce = (to: Device, peer: Device) => {
      if (to.scheduler === undefined) return
      to.scheduler.addPeer({ id: peer.id, local: true }, clock.now)
      to.scheduler.peerHas(peer.id, peer.lies ? 'all' : peer.has, clock.now)
      to.scheduler.peerWants(peer.id, peer.scheduler !== undefined)
    }
    for (const other of devices) {
      if (other === device || !other.isHere) continue
      introduce(device, other)
      introduce(other, device)
    }
    for (const each of devices) clock.at(clock.now, () => turn(each))
  }

  const vanish = (device: Device) => {
    device.isHere = false
    for (const link of seedLinks) link.clear(device.id)
    for (const other of devices) {
      if (!other.isHere) continue
      other.scheduler?.removePeer(device.id, clock.now)
      turn(other)
    }
  }

  for (const device of devices) {
    clock.at(device.joinsAtMs ?? 0, () => join(device))
    if (device.vanishesAtMs !== undefined) clock.at(device.vanishesAtMs, () => vanish(device))
    if (device.stallsAtMs !== undefined) {
      clock.at(device.stallsAtMs, () => {
        device.isStalled = true
        for (const link of seedLinks) link.clear(device.id)
      })
    }
  }
  const isOver = () =>
    devices.every(
      device =>
        device.isStalled ||
        (device.scheduler !== undefined && (!device.isHere || device.doneAt !== undefined)) ||
        (device.isHere && device.scheduler === undefined),
    )
  for (let events = 0; !isOver() && clock.step(); events++) {
    if (events > maxEvents) throw new Error(`expected the swarm to end within ${maxEvents} events`)
  }
  return { ...result, doneAtMs: devices.map(device => device.doneAt) }
}
