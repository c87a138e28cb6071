/** A connection of two peers who have nothing to say: held for as long as the soak lasts, then a message has to pass over it. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchFleet, Device } from '../bench/fleet.ts'
import { between, type Counters } from '../bench/place.ts'
import { type Connection, connectionsOf, probesAround } from './kernel.ts'
import { LogTail } from './log-tail.ts'

/** A head is some hundred bytes on a wire without delay; this is room for a busy machine. A lost peer is seen by its socket. */
export const messageLimitMs = 60_000

/** A connection that stays for this long is the one. */
const settleMs = 30_000
const settleLimitMs = 600_000
const pollMs = 500

export interface SilenceResult {
  readonly minutes: number
  /** Whether the connection at the end is the one of the beginning. */
  readonly held: boolean
  /** Until the device trusted the release that was published after the silence. Nothing when it didn't in time. */
  readonly messageMs: number | undefined
  /** Probes that the kernel sent from the device's end. */
  readonly probes: number
  /** Bytes at the device's end of the cable, probes and what peers do by themselves together. */
  readonly bytesPerSecond: number
}

interface Began {
  readonly connections: readonly Connection[]
  readonly probes: number
  readonly counters: Counters
  /** In milliseconds of `performance.now()`. */
  readonly at: number
}

/** A silent connection, from now on. */
export class Silence {
  readonly #fleet: BenchFleet
  readonly #device: Device
  readonly #began: Began

  private constructor(fleet: BenchFleet, device: Device, began: Began) {
    this.#fleet = fleet
    this.#device = device
    this.#began = began
  }

  static async begin(fleet: BenchFleet, device: Device): Promise<Silence> {
    const { pid } = device.program
    const [connections, probes] = [await settled(pid), await probesAround(pid)]
    const counters = await device.place.counters()
    return new Silence(fleet, device, { connections, probes, counters, at: performance.now() })
  }

  /** Ends the silence: publishes a release, which is a message to all. */
  async end(): Promise<SilenceResult> {
    const { connections, probes, counters, at } = this.#began
    const { program, place, log } = this.#device
    const minutes = (performance.now() - at) / 60_000
    const { received, sent } = between(counters, await place.counters())
    const sentProbes = (await probesAround(program.pid)) - probes
    const tail = await LogTail.of(log)
    const published = await this.#fleet.publish()
    const trusted = await tail.wait(
      ({ msg, release }) => msg === 'a new release is trusted' && release === published.published,
      messageLimitMs,
    )
    const now = new Set((await connectionsOf(program.pid)).map(({ inode }) => inode))
    return {
      minutes,
      held: connections.every(({ inode }) => now.has(inode)) && now.size === connections.length,
      messageMs: trusted && Date.parse(trusted.time) - published.at,
      probes: sentProbes,
      bytesPerSecond: (received + sent) / (minutes * 60),
    }
  }
}

/** The one connection of a process, once it has been the only one for a while: peers that meet dial each other, and look whether they can be dialled. */
async function settled(pid: number): Promise<Connection[]> {
  let [since, last] = [performance.now(), '']
  for (const deadline = since + settleLimitMs; ; await sleep(pollMs)) {
    const now = await connectionsOf(pid)
    const key = now.map(({ inode }) => inode).join()
    if (key !== last) [since, last] = [performance.now(), key]
    if (now.length === 1 && performance.now() - since > settleMs) return now
    if (performance.now() > deadline) {
      throw new Error(`expected one connection of the silent device, got ${now.length} after ${settleLimitMs / 1000} s`)
    }
  }
}
