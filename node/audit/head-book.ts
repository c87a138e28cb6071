/** The signed heads of devices' witnessed logs that a controller has seen: a log has to be consistent with all of them. */

import { z } from 'zod'
import { isSignedHead, type LogHead, logHeadSchema } from '../../protocol/audit/log-head.ts'
import { codec } from '../../protocol/encoding/cbor.ts'
import { formatVersion } from '../../protocol/encoding/fields.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { Report } from '../../protocol/report/report.ts'
import { logHeadIn } from '../../protocol/report/witnessed-log.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { Logger } from '../process/log.ts'
import type { Table } from '../state/database.ts'
import { headsKept } from './limits.ts'

const headsSchema = z.strictObject({ v: formatVersion, heads: z.array(logHeadSchema).max(headsKept + 1) })
const headsCodec = codec('heads', limits.logBytes, headsSchema)

export interface HeadBookComponents {
  readonly fleet: string
  readonly directory: Pick<Directory, 'on' | 'off' | 'report'>
  readonly table: Pick<Table, 'get' | 'put' | 'delete'>
  readonly log: Logger
}

export class HeadBook {
  readonly #components: HeadBookComponents
  readonly #writes = new SerialQueue()
  readonly #reported = (report: Report) => void this.#note(report)
  readonly #forgotten = (peer: string) =>
    void this.#writes.run(() => this.#components.table.delete(peer)).catch(() => {})

  constructor(components: HeadBookComponents) {
    this.#components = components
  }

  /** Notes the heads of reports as they come. */
  start(): void {
    this.#components.directory.on('report', this.#reported)
    this.#components.directory.on('forgotten', this.#forgotten)
  }

  async stop(): Promise<void> {
    this.#components.directory.off('report', this.#reported)
    this.#components.directory.off('forgotten', this.#forgotten)
    await this.#writes.drain()
  }

  /** The heads of a device, the smallest first, with that of its newest report. */
  async heads(peer: string): Promise<LogHead[]> {
    const report = this.#components.directory.report(peer)?.document
    if (report !== undefined) await this.#note(report)
    return await this.#writes.run(() => this.#kept(peer))
  }

  async #kept(peer: string): Promise<LogHead[]> {
    const stored = await this.#components.table.get(peer)
    return stored === undefined ? [] : headsCodec.decode(stored).heads
  }

  async #note(report: Report): Promise<void> {
    const { fleet, table, log } = this.#components
    const head = logHeadIn(report)
    if (head === undefined || !isSignedHead(fleet, report.peer, head)) return
    try {
      await this.#writes.run(async () => {
        const heads = await this.#kept(report.peer)
        if (heads.some(({ size, root }) => size === head.size && equalBytes(root, head.root))) return
        const all = [...heads, head].sort((a, b) => a.size - b.size)
        await table.put(report.peer, headsCodec.encode({ v: 1, heads: thinned(all) }))
      })
    } catch (thrown) {
      log.warn({ peer: report.peer, reason: messageOf(thrown) }, "the head of a device's log was not kept")
    }
  }
}

/** Without the head that is closest to the one before it: the first and the last ones stay. */
function thinned(heads: readonly LogHead[]): LogHead[] {
  if (heads.length <= headsKept) return [...heads]
  // Two heads of one size contradict each other, and stay.
  const gaps = heads.slice(1, -1).map(({ size }, at) => size - (heads[at]?.size ?? 0) || Number.POSITIVE_INFINITY)
  return heads.toSpliced(1 + gaps.indexOf(Math.min(...gaps)), 1)
}
