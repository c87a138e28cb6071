/** What a peer keeps about itself, typed, with its counters and its time floor that only rise. */

import { z } from 'zod'
import { timeSchema } from '../../protocol/encoding/fields.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import type { Database, Table } from './database.ts'

const runningSchema = z.object({
  release: z.int().min(1),
  config: z.string(),
  topLevel: storePathSchema,
  /** The site whose own release it is. */
  site: z.string().optional(),
  /** Since when it runs, by a clock that was live then. */
  since: timeSchema.optional(),
})
/** The release that was activated last. */
export type RunningRelease = z.infer<typeof runningSchema>

const rolloutSchema = z.object({
  content: z.int().min(1),
  site: z.string().optional(),
  began: z.number(),
  confirmations: z.record(z.string(), z.number()),
  heard: z.number(),
})
/** What a device remembers of the rollout that it takes part in; times are of its steady clock. */
export type RolloutMemory = z.infer<typeof rolloutSchema>

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
   * The next value of the report counter: higher than every one before, also after a power cut, and than `seen`, which
   * others may have kept when our own state was lost. Nothing when that is beyond `highest`: whoever has our key has used the
   * numbers up, and a new certificate must come.
   */
  async nextReportCounter(seen = 0, highest = Number.MAX_SAFE_INTEGER): Promise<number | undefined> {
    const own = await this.#number('report-counter')
    // What was beyond, nobody has kept.
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

  /** When a trusted clock ran last, as the time floor rose; nothing before that. */
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

  rollout(): Promise<RolloutMemory | undefined> {
    return this.#json('rollout', rolloutSchema)
  }

  setRollout(memory: RolloutMemory): Promise<void> {
    return this.#put('rollout', Buffer.from(JSON.stringify(memory)))
  }

  /** Milliseconds that this peer has run, over all its starts, as they were kept last. */
  steady(): Promise<number> {
    return this.#number('steady')
  }

  setSteady(milliseconds: number): Promise<void> {
    return this.#put('steady', Buffer.from(String(milliseconds)))
  }

  /** When old documents were removed last, by this machine's clock; 0 for never. */
  pruned(): Promise<number> {
    return this.#number('pruned')
  }

  setPruned(at: number): Promise<void> {
    return this.#put('pruned', Buffer.from(String(at)))
  }

  /** On disk before it resolves: all of this decides what is done after a power cut. */
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
