/** A peer's record about itself, typed, including counters and a time floor that only rise. */

import { z } from 'zod'
import { timeSchema } from '../../protocol/encoding/fields.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import type { Database, Table } from './database.ts'

const runningSchema = z.object({
  release: z.int().min(1),
  config: z.string(),
  topLevel: storePathSchema,
  /** The site, if the release is a site's own. */
  site: z.string().optional(),
  /** Since when it runs, by a clock that was live then. */
  since: timeSchema.optional(),
})
/** The last activated release. */
export type RunningRelease = z.infer<typeof runningSchema>

const rolloutSchema = z.object({
  content: z.int().min(1),
  site: z.string().optional(),
  began: z.number(),
  confirmations: z.record(z.string(), z.number()),
  heard: z.number(),
})
/** A device's memory of the current rollout; times are of its steady clock. */
export type RolloutMemory = z.infer<typeof rolloutSchema>

const uplinkSchema = z.object({ day: z.string(), bytes: z.int().min(0) })
/** Bytes that came over the uplink on one day of UTC. */
export type UplinkMemory = z.infer<typeof uplinkSchema>

export class OwnState {
  readonly #database: Database
  readonly #table: Table

  constructor(database: Database) {
    this.#database = database
    this.#table = database.table('own')
  }

  certificate(): Promise<Uint8Array | undefined> {
    return this.#table.get('certificate')
  }

  setCertificate(envelope: Uint8Array): Promise<void> {
    return this.#put('certificate', envelope)
  }

  /**
   * The next report counter: higher than any before, also after a power cut, and higher than `seen`, which others may
   * have stored if our own state was lost. Undefined if that exceeds `highest`: another holder of our key has
   * exhausted the counters, and a new certificate is needed.
   */
  async nextReportCounter(seen = 0, highest = Number.MAX_SAFE_INTEGER): Promise<number | undefined> {
    const own = await this.#number('report-counter')
    // No member has accepted counters beyond the limit.
    const next = Math.max(own > highest ? 0 : own, seen) + 1
    if (next > highest) return undefined
    await this.#put('report-counter', Buffer.from(String(next)))
    return next
  }

  async timeFloor(): Promise<Date> {
    return new Date(await this.#number('time-floor'))
  }

  setTimeFloor(floor: Date): Promise<void> {
    return this.#put('time-floor', Buffer.from(String(floor.getTime())))
  }

  /** The last time of a trusted clock when the time floor rose; undefined if there was none. */
  async timeAnchor(): Promise<Date | undefined> {
    const at = await this.#number('time-anchor')
    return at === 0 ? undefined : new Date(at)
  }

  setTimeAnchor(at: Date): Promise<void> {
    return this.#put('time-anchor', Buffer.from(String(at.getTime())))
  }

  running(): Promise<RunningRelease | undefined> {
    return this.#json('running', runningSchema)
  }

  setRunning(running: RunningRelease): Promise<void> {
    return this.#put('running', Buffer.from(JSON.stringify(running)))
  }

  /** What was fetched over the site's uplink on the last day that anything was. */
  uplink(): Promise<UplinkMemory | undefined> {
    return this.#json('uplink', uplinkSchema)
  }

  setUplink(memory: UplinkMemory): Promise<void> {
    return this.#put('uplink', Buffer.from(JSON.stringify(memory)))
  }

  rollout(): Promise<RolloutMemory | undefined> {
    return this.#json('rollout', rolloutSchema)
  }

  setRollout(memory: RolloutMemory): Promise<void> {
    return this.#put('rollout', Buffer.from(JSON.stringify(memory)))
  }

  /** Milliseconds that this peer has run, over all starts, as last stored. */
  steady(): Promise<number> {
    return this.#number('steady')
  }

  setSteady(milliseconds: number): Promise<void> {
    return this.#put('steady', Buffer.from(String(milliseconds)))
  }

  /** When documents were last pruned, by this machine's clock; 0 for never. */
  pruned(): Promise<number> {
    return this.#number('pruned')
  }

  setPruned(at: number): Promise<void> {
    return this.#put('pruned', Buffer.from(String(at)))
  }

  /** On disk before it resolves: decisions after a power cut depend on it. */
  #put(key: string, value: Uint8Array): Promise<void> {
    return this.#database.apply([{ table: 'own', key, value }])
  }

  async #number(key: string): Promise<number> {
    const value = Number(Buffer.from((await this.#table.get(key)) ?? []).toString() || 0)
    return Number.isSafeInteger(value) ? value : 0
  }

  async #json<T>(key: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const bytes = await this.#table.get(key)
    if (bytes === undefined) return undefined
    try {
      return schema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch {
      return undefined
    }
  }
}
