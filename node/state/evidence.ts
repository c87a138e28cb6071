/** Evidence of what an honest fleet doesn't do: signed documents that contradict each other, kept and shown. */

import { EventEmitter } from 'node:events'
import { z } from 'zod'
import { codec } from '../../protocol/encoding/cbor.ts'
import { timeSchema, timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Alarm } from '../../protocol/report/report.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from './clock.ts'
import type { Table } from './database.ts'
import { cloneAlarmMs, evidenceKept } from './limits.ts'

const evidenceSchema = z.strictObject({
  kind: z.enum(['clone', 'equivocation']),
  subject: z.string().max(100),
  /** When it was seen last, as far as this peer knows the time. */
  at: timeSchema,
  /** What contradicts each other, as it was signed: reports, or metadata. */
  documents: z.array(z.instanceof(Uint8Array) as unknown as z.ZodType<Uint8Array>).max(4),
  /** Of an equivocation: newer metadata has replaced both. */
  resolved: z.boolean(),
})
export type Evidence = z.infer<typeof evidenceSchema>

const evidenceCodec = codec<Evidence>('evidence', 2 * limits.targets + limits.request, evidenceSchema)

interface Events {
  /** What alarms there are has changed. */
  changed: []
}

export class EvidenceBook extends EventEmitter<Events> {
  readonly #table: Table
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Map<string, Evidence>()

  private constructor(table: Table, clock: Clock, log: Logger) {
    super()
    this.#table = table
    this.#clock = clock
    this.#log = log
  }

  static async load(table: Table, clock: Clock, log: Logger): Promise<EvidenceBook> {
    const book = new EvidenceBook(table, clock, log)
    for await (const [key, bytes] of table.entries()) {
      try {
        book.#known.set(key, evidenceCodec.decode(bytes))
      } catch (thrown) {
        log.warn({ key, reason: messageOf(thrown) }, 'kept evidence was left out')
      }
    }
    return book
  }

  all(): Evidence[] {
    return [...this.#known.values()]
  }

  /** What a report says of it: contradictions that stand, and clones that were seen lately. */
  alarms(): Alarm[] {
    const now = this.#clock.reference.getTime()
    const standing = this.all().filter(({ kind, at, resolved }) =>
      kind === 'clone' ? now - Date.parse(at) < cloneAlarmMs : !resolved,
    )
    return standing.slice(-limits.alarms).map(({ kind, subject }) => ({ kind, subject }))
  }

  /** Keeps what was seen; of a subject that is known the first documents stay. Resolves to whether it is news. */
  async add(kind: Evidence['kind'], subject: string, documents: readonly Uint8Array[]): Promise<boolean> {
    const key = `${kind}/${subject}`
    const known = this.#known.get(key)
    const stood = known !== undefined && this.alarms().some(each => each.kind === kind && each.subject === subject)
    const at = timeText(this.#clock.reference)
    // A clone is seen with every report of either: once a day is enough for the disk.
    if (stood && Date.parse(at) - Date.parse(known.at) < 86_400_000) return false
    await this.#put(key, { kind, subject, at, documents: known?.documents ?? [...documents], resolved: false })
    if (!stood) this.#log.error({ kind, subject }, 'documents contradict each other: a key is in two hands')
    if (!stood) this.emit('changed')
    return !stood
  }

  /** Notes that an equivocation holds nothing up any more. It stays in the book. */
  async resolve(subject: string): Promise<void> {
    const key = `equivocation/${subject}`
    const known = this.#known.get(key)
    if (known === undefined || known.resolved) return
    await this.#put(key, { ...known, resolved: true })
    this.#log.warn({ subject }, 'an equivocation was overtaken')
    this.emit('changed')
  }

  async #put(key: string, evidence: Evidence): Promise<void> {
    this.#known.delete(key)
    this.#known.set(key, evidence)
    await this.#table.put(key, evidenceCodec.encode(evidence))
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= evidenceKept) break
      this.#known.delete(oldest)
      await this.#table.delete(oldest)
    }
  }
}
