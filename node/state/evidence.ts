/** Evidence of misbehaviour in the fleet: contradicting signed documents, stored and reported. */

import { EventEmitter } from 'node:events'
import { z } from 'zod'
import { codec } from '../../protocol/encoding/cbor.ts'
import { timeSchema, timeText } from '../../protocol/encoding/fields.ts'
import { sha256Hex, toHex } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Alarm } from '../../protocol/report/report.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from './clock.ts'
import type { Table } from './database.ts'
import { cloneAlarmMs, evidenceKept, logAlarmMs } from './limits.ts'

const evidenceSchema = z.strictObject({
  /** `log`: a device's witnessed log shrank or forked. */
  kind: z.enum(['clone', 'equivocation', 'log']),
  subject: z.string().max(100),
  /** When it was last seen, as far as this peer knows the time. */
  at: timeSchema,
  /** The contradicting documents with their signatures: reports, heads of logs or metadata. */
  documents: z.array(z.instanceof(Uint8Array) as unknown as z.ZodType<Uint8Array>).max(4),
  /** For an equivocation: whether newer metadata has replaced both. */
  resolved: z.boolean(),
})
export type Evidence = z.infer<typeof evidenceSchema>

const evidenceCodec = codec<Evidence>('evidence', 2 * limits.targets + limits.request, evidenceSchema)

interface Events {
  /** The set of alarms has changed. */
  changed: []
}

export class EvidenceBook extends EventEmitter<Events> {
  readonly #table: Table
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Map<string, Evidence>()
  /** The stored documents, by SHA-256 in hex. */
  #documents = new Map<string, Uint8Array>()

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
        log.warn({ key, reason: messageOf(thrown) }, 'stored evidence was skipped')
      }
    }
    book.#index()
    return book
  }

  all(): Evidence[] {
    return [...this.#known.values()]
  }

  /** A stored document, by its SHA-256. */
  document(hash: Uint8Array): Uint8Array | undefined {
    return this.#documents.get(toHex(hash))
  }

  /** Evidence of one kind that still counts: unresolved equivocations, and clones and logs of late. */
  standing(kind: Evidence['kind']): Evidence[] {
    const now = this.#clock.reference.getTime()
    const counts = ({ at, resolved }: Evidence) =>
      kind === 'equivocation' ? !resolved : now - Date.parse(at) < (kind === 'clone' ? cloneAlarmMs : logAlarmMs)
    return this.all().filter(each => each.kind === kind && counts(each))
  }

  /**
   * The alarms for plain reports, the newest of each kind: many of one kind can't displace the other. Those about logs travel in
   * an extension, which peers of the version before skip.
   */
  alarms(): Alarm[] {
    const contradictions = this.standing('equivocation').slice(-limits.alarms / 2)
    const clones = this.standing('clone').slice(contradictions.length - limits.alarms)
    return [
      ...contradictions.map(({ subject }) => ({ kind: 'equivocation' as const, subject })),
      ...clones.map(({ subject }) => ({ kind: 'clone' as const, subject })),
    ]
  }

  /** Adds evidence; for a known subject the first documents are kept, unless there are more. Resolves to whether it is new. */
  async add(kind: Evidence['kind'], subject: string, documents: readonly Uint8Array[]): Promise<boolean> {
    const key = `${kind}/${subject}`
    const known = this.#known.get(key)
    const stood = this.standing(kind).some(each => each.subject === subject)
    const at = timeText(this.#clock.reference)
    // A clone is seen with every report of either device: one write a day is enough.
    // What proves more replaces what proves less.
    const isBetter = known === undefined || documents.length > known.documents.length
    if (stood && !isBetter && Date.parse(at) - Date.parse(known.at) < 86_400_000) return false
    await this.#put(key, { kind, subject, at, documents: isBetter ? [...documents] : known.documents, resolved: false })
    if (!stood) this.#log.error({ kind, subject }, contradictionText(kind))
    if (!stood) this.emit('changed')
    return !stood
  }

  /** Marks an equivocation as resolved. It stays on record. */
  async resolve(subject: string): Promise<void> {
    const key = `equivocation/${subject}`
    const known = this.#known.get(key)
    if (known === undefined || known.resolved) return
    await this.#put(key, { ...known, resolved: true })
    this.#log.warn({ subject }, 'an equivocation was resolved')
    this.emit('changed')
  }

  async #put(key: string, evidence: Evidence): Promise<void> {
    this.#known.delete(key)
    this.#known.set(key, evidence)
    await this.#table.put(key, evidenceCodec.encode(evidence))
    const ofKind = [...this.#known].filter(([, { kind }]) => kind === evidence.kind)
    // Resolved evidence is dropped first, then the oldest; each kind has its own quota.
    const leaving = ofKind.sort(([, a], [, b]) => Number(b.resolved) - Number(a.resolved))
    for (const [oldest] of leaving.slice(0, Math.max(0, ofKind.length - evidenceKept))) {
      this.#known.delete(oldest)
      await this.#table.delete(oldest)
    }
    this.#index()
  }

  #index(): void {
    const documents = this.all().flatMap(each => each.documents)
    this.#documents = new Map(documents.map(each => [sha256Hex(each), each]))
  }
}

function contradictionText(kind: Evidence['kind']): string {
  if (kind === 'log') return 'a device has taken back what it had written down: its witnessed log shrank or forked'
  return 'documents contradict each other: two parties may have the same key'
}
