/** Takes a sample of all series of this machine. */

import type { Sample } from '../../protocol/metrics/series.ts'
import { disks } from './disks.ts'
import { temperature, underVoltage, wear } from './hardware.ts'
import { type Counters, load, memory, networkBytes, percent, pressure, processorTime, uptime } from './proc.ts'

/** What the daemon knows of itself. */
export interface OwnReadings {
  /** Bytes of the update in progress or the last one that came from other sites. */
  uplinkBytes(): number | undefined
  peers(): number
  clockOffset(): number | undefined
  failedUnits(): Promise<readonly string[] | undefined>
}

interface Before extends Counters {
  readonly at: number
  readonly uplink?: number | undefined
}

export class Sampler {
  readonly #own: OwnReadings
  readonly #root: string
  #before: Before | undefined
  /** The failed units of the last sample. */
  failed: readonly string[] = []

  /** `root` is where /proc and /sys are; for tests. */
  constructor(own: OwnReadings, root = '/') {
    this.#own = own
    this.#root = root
  }

  async take(): Promise<Sample> {
    const root = this.#root
    const [space, failed] = await Promise.all([disks(root), this.#own.failedUnits()])
    this.failed = failed ?? []
    const values: Record<string, number | undefined> = {
      ...memory(root),
      'pressure-cpu': pressure(root, 'cpu'),
      'pressure-memory': pressure(root, 'memory'),
      'pressure-io': pressure(root, 'io'),
      ...space,
      wear: wear(root),
      temperature: temperature(root),
      'under-voltage': underVoltage(root),
      load: load(root),
      'clock-offset': this.#own.clockOffset(),
      peers: this.#own.peers(),
      'failed-units': failed?.length,
      uptime: uptime(root),
      ...this.#rates(),
    }
    return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)))
  }

  /** From the counters of this time and the last; nothing the first time, or where one has begun anew. */
  #rates(): Record<string, number | undefined> {
    const now: Before = {
      at: performance.now(),
      ...processorTime(this.#root),
      ...networkBytes(this.#root),
      uplink: this.#own.uplinkBytes(),
    }
    const before = this.#before
    this.#before = now
    if (before === undefined) return {}
    const seconds = (now.at - before.at) / 1000
    const rate = (name: 'received' | 'sent') => {
      const bytes = (now[name] ?? Number.NaN) - (before[name] ?? Number.NaN)
      return bytes >= 0 ? bytes / seconds : undefined
    }
    const ticks = (now.total ?? Number.NaN) - (before.total ?? Number.NaN)
    const busy = (now.busy ?? Number.NaN) - (before.busy ?? Number.NaN)
    // Each update counts from nothing.
    const fetched = (now.uplink ?? 0) - (before.uplink ?? 0)
    return {
      ...(ticks > 0 && busy >= 0 && { cpu: percent(busy, ticks) }),
      received: rate('received'),
      sent: rate('sent'),
      uplink: (fetched < 0 ? (now.uplink ?? 0) : fetched) / seconds,
    }
  }
}
