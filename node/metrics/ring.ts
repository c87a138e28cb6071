/** One ring of rows in a file: the place of a row follows from its period, and what is written last replaces the oldest. */

import type { FileHandle } from 'node:fs/promises'
import { readFully, writeFully } from '../files/file-io.ts'
import { pageBytes } from './limits.ts'
import { type Row, type RowKind, readRow, rowBytes, writeRow } from './row.ts'

export interface RingInit {
  /** The step in seconds. */
  readonly seconds: number
  readonly rowsPerPage: number
  readonly pages: number
  readonly kind: RowKind
}

export class Ring {
  readonly init: RingInit
  readonly #handle: FileHandle
  readonly #offset: number
  /** Rows that are not written yet. */
  readonly #pending = new Map<number, Row>()

  constructor(handle: FileHandle, offset: number, init: RingInit) {
    this.init = init
    this.#handle = handle
    this.#offset = offset
  }

  get slots(): number {
    return this.init.rowsPerPage * this.init.pages
  }

  get pending(): number {
    return this.#pending.size
  }

  /** The period of a time in seconds since 1970. */
  periodOf(seconds: number): number {
    return Math.floor(seconds / this.init.seconds)
  }

  put(row: Row): void {
    this.#pending.set(row.period, row)
  }

  /**
   * Rows of a span of periods, as far as the ring has them, the newest first. Whoever reads a file forwards gets it in large
   * folios, and a kernel that writes one row then counts a whole folio.
   */
  async *rows(first: number, last: number): AsyncGenerator<Row> {
    const { kind, rowsPerPage } = this.init
    const page = new Uint8Array(pageBytes)
    let held = -1
    for (let period = last; period >= Math.max(first, last - this.slots + 1, 1); period--) {
      const waiting = this.#pending.get(period)
      if (waiting !== undefined) {
        yield waiting
        continue
      }
      const slot = period % this.slots
      const at = Math.floor(slot / rowsPerPage)
      if (held !== at && !(await readFully(this.#handle, page, this.#offset + at * pageBytes))) continue
      held = at
      const size = rowBytes(kind)
      const row = readRow(kind, page.subarray((slot % rowsPerPage) * size, ((slot % rowsPerPage) + 1) * size))
      if (row?.period === period) yield row
    }
  }

  /** Writes the waiting rows; those beside each other in one write. They are on disk after a sync of the file. */
  async write(): Promise<void> {
    const rows = [...this.#pending.values()].sort((a, b) => a.period - b.period)
    const size = rowBytes(this.init.kind)
    for (let from = 0; from < rows.length; ) {
      let to = from + 1
      while (to < rows.length && this.#place(rows[to]) === this.#place(rows[to - 1]) + size) to++
      const run = rows.slice(from, to)
      const bytes = new Uint8Array(size * run.length)
      for (const [index, row] of run.entries())
        writeRow(this.init.kind, row, bytes.subarray(index * size, (index + 1) * size))
      await writeFully(this.#handle, bytes, this.#place(run[0]))
      from = to
    }
    for (const row of rows) if (this.#pending.get(row.period) === row) this.#pending.delete(row.period)
  }

  #place(row: Row | undefined): number {
    const { rowsPerPage, kind } = this.init
    const slot = (row?.period ?? 0) % this.slots
    return this.#offset + Math.floor(slot / rowsPerPage) * pageBytes + (slot % rowsPerPage) * rowBytes(kind)
  }
}
