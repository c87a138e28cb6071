/**
 * When each member was seen last, for a controller: as its last report says, unless its clock can't be right, and then when
 * that report came here.
 */

import { timeText } from '../../protocol/encoding/fields.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { Table } from '../state/database.ts'
import { reportsUnwrittenMs } from '../state/limits.ts'
import { WriteBehind } from '../state/write-behind.ts'

/** A report's arrival. */
interface Receipt {
  /** Which report. */
  readonly counter: number
  /** Milliseconds since 1970, by our clock. */
  readonly at: number
  /** Whether its author was connected to us then: the report was not on its way for long. */
  readonly direct: boolean
}

export interface LastSeenComponents {
  readonly directory: Pick<Directory, 'on' | 'off' | 'report'>
  readonly isConnected: (peer: string) => boolean
  readonly clock: Pick<Clock, 'now'>
  readonly table: Table
  readonly log: Logger
}

export class LastSeen {
  readonly #components: LastSeenComponents
  readonly #receipts = new Map<string, Receipt>()
  readonly #stored: WriteBehind

  constructor(components: LastSeenComponents) {
    this.#components = components
    this.#stored = new WriteBehind(components, { delayMs: reportsUnwrittenMs })
  }

  /** Reads what was noted before, and notes what comes from now on. */
  async start(): Promise<void> {
    const { table, directory } = this.#components
    for await (const [peer, bytes] of table.entries()) {
      const receipt = readReceipt(bytes)
      if (receipt !== undefined) this.#receipts.set(peer, receipt)
    }
    directory.on('report', this.#onReport)
    directory.on('forgotten', this.#onForgotten)
  }

  async stop(): Promise<void> {
    const { directory } = this.#components
    directory.off('report', this.#onReport)
    directory.off('forgotten', this.#onForgotten)
    await this.#stored.stop()
  }

  /** As a time of our documents; null if no report of it is here, or nobody knows its time. */
  of(peer: string): string | null {
    const report = this.#components.directory.report(peer)?.document
    if (report === undefined) return null
    const receipt = this.#receipts.get(peer)
    const said = report.at ?? null
    if (receipt === undefined || receipt.counter !== report.counter) return said
    const came = timeText(new Date(receipt.at))
    // Nobody writes a report after it has come; and who is here is seen now, however far behind its clock is.
    const isWrong = said === null || Date.parse(said) > receipt.at || receipt.direct
    return isWrong ? came : said
  }

  readonly #onReport = ({ peer, counter }: Report): void => {
    const { clock, isConnected } = this.#components
    const now = clock.now?.getTime()
    if (now === undefined) return
    const receipt: Receipt = { counter, at: now, direct: isConnected(peer) }
    this.#receipts.set(peer, receipt)
    this.#stored.put(peer, Buffer.from(JSON.stringify(receipt)))
  }

  readonly #onForgotten = (peer: string): void => {
    this.#receipts.delete(peer)
    void this.#stored.delete(peer).catch(() => {})
  }
}

/** Our own note; undefined where it was damaged. */
function readReceipt(bytes: Uint8Array): Receipt | undefined {
  try {
    const { counter, at, direct } = JSON.parse(Buffer.from(bytes).toString()) as Partial<Receipt>
    if (!Number.isSafeInteger(counter) || !Number.isSafeInteger(at) || Math.abs(at ?? 0) > 8e15) return undefined
    return { counter: counter ?? 0, at: at ?? 0, direct: direct === true }
  } catch {
    return undefined
  }
}
