/** The history of each device: outcomes of releases, taken from reports, bounded, newest first. */

import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type HistoryEntry, historySchema } from '../../protocol/messages/logs.ts'
import { isFinalFailure } from '../../protocol/report/outcome.ts'
import type { Report } from '../../protocol/report/report.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Logger } from '../process/log.ts'
import type { Table } from '../state/database.ts'

export interface HistoryComponents {
  directory: Pick<Directory, 'on' | 'off'>
  table: Table
  log: Logger
}

export class History {
  readonly #components: HistoryComponents
  /** Serialises writes. */
  readonly #writes = new SerialQueue()

  constructor(components: HistoryComponents) {
    this.#components = components
  }

  start(): void {
    this.#components.directory.on('report', this.#onReport)
  }

  async stop(): Promise<void> {
    this.#components.directory.off('report', this.#onReport)
    await this.#writes.drain()
  }

  /** A peer's history; empty if none is known. */
  async of(peer: string): Promise<HistoryEntry[]> {
    const bytes = await this.#components.table.get(peer)
    if (bytes === undefined) return []
    try {
      return historySchema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch {
      return []
    }
  }

  /**
   * Takes over a device's own account, which is complete up to its newest entry: what reports brought of that time is
   * replaced, what came later stays. Resolves to how many entries were not known.
   */
  merge(peer: string, account: readonly HistoryEntry[]): Promise<number> {
    return this.#writes.run(async () => {
      const [newest] = account
      if (newest === undefined) return 0
      const before = await this.of(peer)
      const later = before.filter(entry => isLater(entry, newest))
      const fresh = account.filter(entry => !before.some(known => isSame(known, entry)))
      await this.#components.table.put(
        peer,
        Buffer.from(JSON.stringify([...later, ...account].slice(0, limits.historyEntries))),
      )
      return fresh.length
    })
  }

  /** Removes the history of a former member. */
  forget(peer: string): void {
    void this.#writes
      .run(() => this.#components.table.delete(peer))
      .catch(thrown => this.#components.log.warn({ reason: messageOf(thrown) }, 'a history was not removed'))
  }

  readonly #onReport = (report: Report) => {
    const entry = entryOf(report)
    if (entry === undefined) return
    void this.#writes
      .run(() => this.#add(report.peer, entry))
      .catch(thrown => this.#components.log.warn({ reason: messageOf(thrown) }, 'a history was not stored'))
  }

  async #add(peer: string, entry: HistoryEntry): Promise<void> {
    const before = await this.of(peer)
    if (before[0] !== undefined && isSame(before[0], entry)) return
    const after = [entry, ...before].slice(0, limits.historyEntries)
    await this.#components.table.put(peer, Buffer.from(JSON.stringify(after)))
  }
}

/** The history entry for a report; undefined while an update is in progress. */
function entryOf(report: Report): HistoryEntry | undefined {
  const { state, release, wanted, error } = report
  const { at, config, site } = report
  const about = { ...(site && { site }), ...(at && { at }), ...(config && { config }) }
  const topLevel = report.running
  if (state === 'running' && release !== undefined && report.turn === undefined) {
    return { release, outcome: 'running', ...about, ...(topLevel && { topLevel }) }
  }
  if (!isFinalFailure(report) || wanted === undefined || error === undefined) return undefined
  const [message = ''] = error.message.split('\n')
  const outcome = state === 'rolled-back' ? 'rolled-back' : 'failed'
  return { release: wanted, outcome, ...about, code: error.code, message: message.slice(0, 200) }
}

/** Whether one entry is of a later time; without a clock, of a later release. */
function isLater(one: HistoryEntry, other: HistoryEntry): boolean {
  if (isSame(one, other)) return false
  if (one.at === undefined || other.at === undefined) return one.release > other.release
  return one.at > other.at
}

/** Reports repeat: only a different outcome is a new entry. */
function isSame(a: HistoryEntry, b: HistoryEntry): boolean {
  return a.release === b.release && a.site === b.site && a.outcome === b.outcome && a.code === b.code
}
