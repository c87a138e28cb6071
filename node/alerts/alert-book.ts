/** What a peer that sends alerts must know after a restart: what was told, who is absent, and what is silenced. */

import { z } from 'zod'
import type { Silence } from '../../protocol/alerts/reported.ts'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import type { Table } from '../state/database.ts'
import { silencesKept } from './limits.ts'

/** Marks of what was told: those of reports are few, and an old one must not be told again. */
const marksKept = 20_000

const absenceSchema = z.object({
  peer: z.string(),
  rule: nameSchema,
  /** The counter of the last report that anybody has heard. */
  counter: z.int(),
  /** When that was, in milliseconds since 1970, if a clock knew. */
  at: z.number().nullable(),
})
export type Absence = z.infer<typeof absenceSchema>

const silenceSchema = z.object({
  rule: nameSchema.optional(),
  device: nameSchema.optional(),
  since: z.int().optional(),
  until: z.int(),
  by: z.string(),
})

export class AlertBook {
  readonly #table: Table
  /** In the order in which they came. */
  readonly #told = new Set<string>()
  readonly #absent = new Map<string, Absence>()
  readonly #silences = new Map<string, Silence>()

  private constructor(table: Table) {
    this.#table = table
  }

  static async load(table: Table): Promise<AlertBook> {
    const book = new AlertBook(table)
    const told: [string, number][] = []
    for await (const [key, value] of table.entries()) {
      const text = Buffer.from(value).toString()
      const [kind, rest = ''] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)]
      if (kind === 'told' && /^[0-9a-f]{16}$/.test(rest)) told.push([rest, Number(text) || 0])
      if (kind === 'absent') keepParsed(book.#absent, rest, absenceSchema, text)
      if (kind === 'silence') keepParsed(book.#silences, rest, silenceSchema, text)
    }
    told.sort(([, a], [, b]) => a - b)
    for (const [mark] of told.slice(0, -marksKept)) await table.delete(`told/${mark}`)
    for (const [mark] of told.slice(-marksKept)) book.#told.add(mark)
    return book
  }

  isTold(mark: string): boolean {
    return this.#told.has(mark)
  }

  async tell(marks: Iterable<string>): Promise<void> {
    const now = Buffer.from(String(Date.now()))
    const fresh = [...marks].filter(mark => !this.#told.has(mark))
    for (const mark of fresh) this.#told.add(mark)
    if (fresh.length > 0) await this.#table.putAll(new Map(fresh.map(mark => [`told/${mark}`, now])))
  }

  get absences(): Iterable<Absence> {
    return this.#absent.values()
  }

  absence(peer: string, rule: string): Absence | undefined {
    return this.#absent.get(`${peer}/${rule}`)
  }

  async setAbsent(absence: Absence): Promise<void> {
    const key = `${absence.peer}/${absence.rule}`
    this.#absent.set(key, absence)
    await this.#table.put(`absent/${key}`, Buffer.from(JSON.stringify(absence)))
  }

  async endAbsence({ peer, rule }: Pick<Absence, 'peer' | 'rule'>): Promise<void> {
    this.#absent.delete(`${peer}/${rule}`)
    await this.#table.delete(`absent/${peer}/${rule}`)
  }

  /** The newest last. */
  get silences(): Silence[] {
    return [...this.#silences.values()]
  }

  async silence(silence: Silence): Promise<void> {
    const key = silenceKey(silence)
    this.#silences.delete(key)
    this.#silences.set(key, silence)
    await this.#table.put(`silence/${key}`, Buffer.from(JSON.stringify(silence)))
    const [oldest] = this.#silences.keys()
    if (this.#silences.size > silencesKept && oldest !== undefined) await this.#forget(oldest)
  }

  async endSilence(of: Pick<Silence, 'rule' | 'device' | 'since'>): Promise<void> {
    await this.#forget(silenceKey(of))
  }

  async #forget(key: string): Promise<void> {
    this.#silences.delete(key)
    await this.#table.delete(`silence/${key}`)
  }
}

function silenceKey({ rule, device, since }: Pick<Silence, 'rule' | 'device' | 'since'>): string {
  return `${rule ?? '*'}/${device ?? '*'}/${since ?? '*'}`
}

/** What was damaged is forgotten. */
function keepParsed<T>(into: Map<string, T>, key: string, schema: z.ZodType<T>, text: string): void {
  try {
    into.set(key, schema.parse(JSON.parse(text)))
  } catch {
    // Written anew when it is needed.
  }
}
