/**
 * Watches the heads of devices' witnessed logs in their reports: a log that is shorter than it was, or has another root at
 * the same size, is evidence. Every peer keeps the last report of each device, so every peer is a witness.
 */

import type { LogHead } from '../../protocol/audit/log-head.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { openReport } from '../../protocol/report/extended-report.ts'
import type { Report } from '../../protocol/report/report.ts'
import { logHeadIn } from '../../protocol/report/witnessed-log.ts'
import type { Table } from '../state/database.ts'
import type { EvidenceBook } from '../state/evidence.ts'

interface Known {
  readonly document: Report
  readonly envelope: Uint8Array
}

export interface LogWitnessComponents {
  readonly evidence: Pick<EvidenceBook, 'add'>
  /** The last report with a head, of devices whose newest one has none: by peer ID. */
  readonly table: Pick<Table, 'get' | 'put' | 'delete'>
}

export class LogWitness {
  readonly #components: LogWitnessComponents

  constructor(components: LogWitnessComponents) {
    this.#components = components
  }

  /** Checks a verified report against the known one of its peer, whichever is the older. */
  async report(known: Known | undefined, next: Known): Promise<void> {
    const { table } = this.#components
    const { peer } = next.document
    const head = logHeadIn(next.document)
    const knownHead = known && logHeadIn(known.document)
    const isNewer = known === undefined || next.document.counter > known.document.counter
    if (known !== undefined && head !== undefined && knownHead !== undefined) {
      const [older, newer] = isNewer ? [knownHead, head] : [head, knownHead]
      if (contradicts(older, newer)) await this.#found(peer, known.envelope, next.envelope)
      return
    }
    // A report without a head must not make anybody forget: a longer report has no room for it, or its device would like that.
    if (known !== undefined && knownHead !== undefined && isNewer) return await table.put(peer, known.envelope)
    if (head === undefined || !isNewer) return
    const kept = await table.get(peer)
    if (kept === undefined) return
    const { document } = openReport(kept)
    const keptHead = logHeadIn(document)
    if (keptHead !== undefined && contradicts(keptHead, head)) await this.#found(peer, kept, next.envelope)
    await table.delete(peer)
  }

  async #found(peer: string, known: Uint8Array, next: Uint8Array): Promise<void> {
    await this.#components.evidence.add('log', peer, [known, next])
  }

  async forget(peer: string): Promise<void> {
    await this.#components.table.delete(peer)
  }
}

/** Whether no log that only grows has both heads, one after the other. */
function contradicts(older: Pick<LogHead, 'size' | 'root'>, newer: Pick<LogHead, 'size' | 'root'>): boolean {
  return newer.size < older.size || (newer.size === older.size && !equalBytes(newer.root, older.root))
}
