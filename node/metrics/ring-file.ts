/**
 * The file of a device's metrics: a header and three rings, 2 MiB from the beginning. A day of minutes, four weeks of quarter
 * hours and two years of two hours. Coarser rings follow from finer ones, so that few pages are written.
 */

import { type FileHandle, open, rename } from 'node:fs/promises'
import { z } from 'zod'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import type { RawHistory } from '../../protocol/messages/metrics.ts'
import { type HistoryStep, type Sample, seriesNames } from '../../protocol/metrics/series.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import { readFully, writeFully } from '../files/file-io.ts'
import { isMissing } from '../files/missing.ts'
import { columns, pageBytes } from './limits.ts'
import { Ring, type RingInit } from './ring.ts'
import { combined, emptyRow, type Row } from './row.ts'

/** Its file is none of this version's. */
class RingFileError extends ThymeshError<'malformed'> {}

const layout = {
  minutes: { seconds: 60, rowsPerPage: 45, pages: 32, kind: 'single' },
  quarters: { seconds: 900, rowsPerPage: 24, pages: 112, kind: 'range' },
  hours: { seconds: 7200, rowsPerPage: 24, pages: 365, kind: 'range' },
} as const satisfies Record<string, RingInit>

/** The size of the file, for ever. */
export const ringFileBytes = 512 * pageBytes
const magic = Buffer.from('thymesh metrics\n')

/** Minutes are written each quarter of an hour, quarter hours four times a day, two hours once a day. */
const minutesBetween = 15
const quartersBetween = 24
const hoursBetween = 12

const headerSchema = z.strictObject({
  v: z.literal(1),
  /** The series of each column; an empty name for a free one. */
  columns: z.array(z.union([nameSchema, z.literal('')])).length(columns),
})

export class RingFile {
  readonly #handle: FileHandle
  readonly #columns: readonly string[]
  readonly #minutes: Ring
  readonly #quarters: Ring
  readonly #hours: Ring
  /** One change or look at a time. */
  readonly #turns = new SerialQueue()
  #lastMinute = 0

  private constructor(handle: FileHandle, names: readonly string[]) {
    this.#handle = handle
    this.#columns = names
    this.#minutes = new Ring(handle, pageBytes, layout.minutes)
    this.#quarters = new Ring(handle, (1 + layout.minutes.pages) * pageBytes, layout.quarters)
    this.#hours = new Ring(handle, (1 + layout.minutes.pages + layout.quarters.pages) * pageBytes, layout.hours)
  }

  /**
   * Opens the file, and makes it where it is missing. One that is cut off, damaged in its header or of another version is
   * set aside as FILE.old; `told` says so. `now` is in seconds since 1970.
   */
  static async open(file: string, now: number, told: (reason: string) => void): Promise<RingFile> {
    const opened = await openExisting(file).catch(async (thrown: unknown) => {
      if (isMissing(thrown)) return undefined
      if (!(thrown instanceof RingFileError)) throw thrown
      told(messageOf(thrown))
      await rename(file, `${file}.old`)
      return undefined
    })
    const { handle, names } = opened ?? (await create(file))
    const rings = new RingFile(handle, names)
    try {
      await rings.#catchUp(now)
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
    return rings
  }

  /** Keeps a sample of a time in seconds since 1970. Resolves when it is kept, mostly in memory. */
  async add(seconds: number, sample: Sample): Promise<void> {
    await this.#turns.run(async () => {
      const row = emptyRow(this.#minutes.periodOf(seconds))
      for (const [column, name] of this.#columns.entries()) {
        const value = sample[name as keyof Sample]
        if (value === undefined || !Number.isFinite(value)) continue
        for (const values of [row.average, row.min, row.max]) values[column] = value
      }
      await this.#closeSpans(this.#lastMinute, row.period)
      this.#lastMinute = row.period
      this.#minutes.put(row)
      if (row.period % minutesBetween === minutesBetween - 1 || this.#minutes.pending >= minutesBetween) {
        await this.#minutes.write()
        await this.#handle.datasync()
      }
    })
  }

  /** Series of a span of time in seconds since 1970; all of them, or some by name. */
  async history(step: HistoryStep, from: number, to: number, wanted?: readonly string[]): Promise<RawHistory> {
    return await this.#turns.run(async () => {
      const ring = [this.#minutes, this.#quarters, this.#hours].find(({ init }) => init.seconds === step) ?? this.#hours
      const last = ring.periodOf(to)
      const first = Math.max(ring.periodOf(from), last - ring.slots + 1, 0)
      const points = Math.max(0, last - first + 1)
      const shown = this.#columns.flatMap((name, column) =>
        name !== '' && (wanted === undefined || wanted.includes(name)) ? [{ name, column }] : [],
      )
      const nothing = () => new Float32Array(points).fill(Number.NaN)
      const series = shown.map(each => ({ ...each, average: nothing(), min: nothing(), max: nothing() }))
      for await (const row of ring.rows(first, last)) {
        for (const { column, average, min, max } of series) {
          average[row.period - first] = row.average[column] ?? Number.NaN
          min[row.period - first] = row.min[column] ?? Number.NaN
          max[row.period - first] = row.max[column] ?? Number.NaN
        }
      }
      return { step, from: first * ring.init.seconds, points, series }
    })
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await this.#turns.run(async () => {
      try {
        for (const ring of [this.#minutes, this.#quarters, this.#hours]) await ring.write()
        await this.#handle.datasync()
      } finally {
        await this.#handle.close()
      }
    })
  }

  /** Derives what was not written before the last end, above all after a power cut. */
  async #catchUp(now: number): Promise<void> {
    await this.#derive(this.#minutes, this.#quarters, now, layout.minutes.rowsPerPage * layout.minutes.pages)
    await this.#derive(this.#quarters, this.#hours, now, layout.quarters.rowsPerPage * layout.quarters.pages)
  }

  async #derive(fine: Ring, coarse: Ring, now: number, slots: number): Promise<void> {
    const last = coarse.periodOf(now) - 1
    const first = Math.max(1, coarse.periodOf(now - slots * fine.init.seconds) + 1)
    const known = new Set<number>()
    for await (const { period } of coarse.rows(first, last)) known.add(period)
    for (let period = first; period <= last; period++) if (!known.has(period)) await combine(fine, coarse, period)
  }

  /** Combines the spans that have ended between two minutes. */
  async #closeSpans(before: number, minute: number): Promise<void> {
    // The clock was set, back or far ahead: spans in between have no rows.
    if (before === 0 || before >= minute) return
    for (const [fine, coarse, batch] of [
      [this.#minutes, this.#quarters, quartersBetween],
      [this.#quarters, this.#hours, hoursBetween],
    ] as const) {
      const [ended, begun] = [coarse.periodOf(before * 60), coarse.periodOf(minute * 60)]
      if (ended === begun) continue
      await combine(fine, coarse, ended)
      // At the end of a page, or half of one: each write touches one.
      if (coarse.pending >= batch || (ended + 1) % batch === 0) await coarse.write()
    }
  }
}

async function combine(fine: Ring, coarse: Ring, period: number): Promise<void> {
  const ratio = coarse.init.seconds / fine.init.seconds
  const rows: Row[] = []
  for await (const row of fine.rows(period * ratio, (period + 1) * ratio - 1)) rows.push(row)
  if (rows.length > 0) coarse.put(combined(period, rows))
}

async function openExisting(file: string): Promise<{ handle: FileHandle; names: readonly string[] }> {
  const handle = await open(file, 'r+')
  try {
    const { size } = await handle.stat()
    if (size !== ringFileBytes) throw malformed(`expected ${ringFileBytes} bytes, got ${size}`)
    const names = await namesIn(handle)
    const kept = names.filter(name => name !== '')
    const added = seriesNames.filter(name => !kept.includes(name))
    if (added.length === 0) return { handle, names }
    if (kept.length + added.length > columns) throw malformed('it has no free column for a new series')
    const all = names.map(name => (name === '' ? (added.shift() ?? '') : name))
    await writeHeader(handle, all)
    return { handle, names: all }
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

/** 2 MiB of zeros, so that a full disk is met now and never later. */
async function create(file: string): Promise<{ handle: FileHandle; names: readonly string[] }> {
  const handle = await open(file, 'w+', 0o600)
  try {
    // Page by page: see Ring.rows.
    const zeros = new Uint8Array(pageBytes)
    for (let at = 0; at < ringFileBytes; at += zeros.length) await writeFully(handle, zeros, at)
    const names = Array.from({ length: columns }, (_, column) => seriesNames[column] ?? '')
    await writeHeader(handle, names)
    return { handle, names }
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

async function writeHeader(handle: FileHandle, names: readonly string[]): Promise<void> {
  const page = Buffer.alloc(pageBytes)
  magic.copy(page)
  page.write(JSON.stringify({ v: 1, columns: names }), magic.length)
  await writeFully(handle, page, 0)
  await handle.sync()
}

async function namesIn(handle: FileHandle): Promise<readonly string[]> {
  const page = Buffer.alloc(pageBytes)
  await readFully(handle, page, 0)
  const end = page.indexOf(0)
  if (!page.subarray(0, magic.length).equals(magic) || end < 0) throw malformed('its header is damaged')
  let json: unknown
  try {
    json = JSON.parse(page.toString('utf8', magic.length, end))
  } catch {
    throw malformed('its header is damaged')
  }
  const header = headerSchema.safeParse(json)
  if (header.success) return header.data.columns
  throw malformed('it is of another version')
}

function malformed(reason: string): RingFileError {
  return new RingFileError('malformed', `not a file of metrics: ${reason}`)
}
