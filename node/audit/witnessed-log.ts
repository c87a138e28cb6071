/**
 * A device's append-only log, in the state's database. An entry is on disk before the head that has it is given out: a power cut
 * must not make the log look rewritten.
 */

import { z } from 'zod'
import { type LogEntry, logEntryCodec } from '../../protocol/audit/log-entry.ts'
import {
  consistencyRanges,
  type Frontier,
  frontierRanges,
  grown,
  leafHash,
  leftOf,
  nodeHash,
  noEntries,
  type Range,
  rootOf,
  rootOfFrontier,
  type TreeHead,
} from '../../protocol/audit/merkle.ts'
import { codec } from '../../protocol/encoding/cbor.ts'
import { bytesSchema, formatVersion } from '../../protocol/encoding/fields.ts'
import { equalBytes, hashLength } from '../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Change, Database, Table } from '../state/database.ts'
import { blockEntries, blocksKept, entriesKept } from './limits.ts'

/** How much is kept; smaller for tests. */
export interface LogBounds {
  readonly blockEntries: number
  readonly blocksKept: number
  readonly entriesKept: number
}

const bounds: LogBounds = { blockEntries, blocksKept, entriesKept }

export class LogError extends ThymeshError<'too-old' | 'damaged'> {}

const table = 'witnessed-log'

const headSchema = z.strictObject({
  v: formatVersion,
  size: z.int().min(0).max(limits.auditEntries),
  /** The oldest entry that is kept. */
  first: z.int().min(0).max(limits.auditEntries),
  frontier: z.array(bytesSchema(hashLength)).max(64),
})
const headCodec = codec('log', limits.request * 4, headSchema)

const keyOf = (kind: 'entry' | 'leaves' | 'root', at: number) => `${kind}/${String(at).padStart(12, '0')}`

export class WitnessedLog {
  readonly #database: Pick<Database, 'apply'>
  readonly #table: Table
  readonly #bounds: LogBounds
  readonly #writes = new SerialQueue()
  #frontier: Frontier = noEntries
  #first = 0

  private constructor(database: Pick<Database, 'apply' | 'table'>, kept: LogBounds) {
    this.#database = database
    this.#bounds = kept
    this.#table = database.table(table)
  }

  /** Throws a FormatError if what is stored can't be read. */
  static async open(database: Pick<Database, 'apply' | 'table'>, kept = bounds): Promise<WitnessedLog> {
    const log = new WitnessedLog(database, kept)
    const stored = await log.#table.get('head')
    if (stored === undefined) return log
    const { size, first, frontier } = headCodec.decode(stored)
    log.#frontier = { size, hashes: frontier }
    log.#first = first
    return log
  }

  /** Of what is on disk. */
  get head(): TreeHead {
    return { size: this.#frontier.size, root: rootOfFrontier(this.#frontier.hashes) }
  }

  /** The oldest entry that is kept. */
  get first(): number {
    return this.#first
  }

  append(entry: LogEntry): Promise<void> {
    return this.#writes.run(() => this.#append(logEntryCodec.encode(entry)))
  }

  /** Appends an entry unless the last one of its kind said the same; resolves to whether it is new. */
  appendNews(entry: LogEntry): Promise<boolean> {
    return this.#writes.run(async () => {
      const key = `last/${entry.what}`
      const { at: _, ...said } = entry
      const value = logEntryCodec.encode(said)
      const last = await this.#table.get(key)
      if (last !== undefined && equalBytes(last, value)) return false
      await this.#append(logEntryCodec.encode(entry), [{ table, key, value }])
      return true
    })
  }

  /** Entries from one to before another as they are stored, as many as have these bytes together, with what is before them. */
  entries(range: { from: number; to: number }, maxBytes: number) {
    // Between two writes: none of these may be dropped meanwhile.
    return this.#writes.run(() => this.#entries(range, maxBytes))
  }

  async #entries({ from, to }: { from: number; to: number }, maxBytes: number) {
    const end = Math.min(to, this.#frontier.size)
    const start = Math.min(Math.max(from, this.#first), this.#frontier.size)
    const entries: Uint8Array[] = []
    let bytes = 0
    for (let at = start; at < end && entries.length < limits.auditPage; at++) {
      const entry = await this.#table.get(keyOf('entry', at))
      if (entry === undefined) throw new LogError('damaged', `the log lacks its entry ${at}`)
      bytes += entry.length
      if (bytes > maxBytes && entries.length > 0) break
      entries.push(entry)
    }
    return { from: start, before: await this.#hashesOf(frontierRanges(start)), entries }
  }

  /** The proof that the log of one size is the beginning of that of another. Throws a LogError where nothing proves it any more. */
  async proof(before: number, after: number): Promise<Uint8Array[]> {
    if (before > after || after > this.#frontier.size) throw new LogError('too-old', 'the log is not that long')
    return await this.#hashesOf(consistencyRanges(before, after))
  }

  async stop(): Promise<void> {
    await this.#writes.drain()
  }

  async #append(bytes: Uint8Array, more: Change[] = []): Promise<void> {
    const { blockEntries, blocksKept, entriesKept } = this.#bounds
    const at = this.#frontier.size
    const leaf = leafHash(bytes)
    const block = Math.floor(at / blockEntries)
    const leaves = at % blockEntries === 0 ? new Uint8Array() : await this.#leaves(block)
    const frontier = grown(this.#frontier, leaf)
    const changes: Change[] = [
      { table, key: keyOf('entry', at), value: bytes },
      { table, key: keyOf('leaves', block), value: Buffer.concat([leaves, leaf]) },
      ...more,
    ]
    if (at % blockEntries === 0 && block >= blocksKept) changes.push(...(await this.#withoutLeaves(block - blocksKept)))
    let first = this.#first
    if (frontier.size - first >= entriesKept + blockEntries) {
      for (const end = first + blockEntries; first < end; first++)
        changes.push({ table, key: keyOf('entry', first), value: undefined })
    }
    const head = headCodec.encode({ v: 1, size: frontier.size, first, frontier: [...frontier.hashes] })
    await this.#database.apply([...changes, { table, key: 'head', value: head }])
    this.#frontier = frontier
    this.#first = first
  }

  async #withoutLeaves(block: number): Promise<Change[]> {
    const root = rootOf(hashesIn(await this.#leaves(block)))
    return [
      { table, key: keyOf('leaves', block), value: undefined },
      { table, key: keyOf('root', block), value: root },
    ]
  }

  async #hashesOf(ranges: readonly Range[]): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = []
    for (const range of ranges) hashes.push(await this.#hashOf(range))
    return hashes
  }

  /** Ranges of a tree don't cross the ends of blocks, except where they are made of whole ones. */
  async #hashOf([from, to]: Range): Promise<Uint8Array> {
    const { blockEntries } = this.#bounds
    const block = Math.floor(from / blockEntries)
    if (to - from > blockEntries) {
      const middle = from + leftOf(to - from)
      return nodeHash(await this.#hashOf([from, middle]), await this.#hashOf([middle, to]))
    }
    if (to - from === blockEntries) {
      const root = await this.#table.get(keyOf('root', block))
      if (root !== undefined) return root
    }
    const leaves = hashesIn(await this.#leaves(block))
    return rootOf(leaves.slice(from - block * blockEntries, to - block * blockEntries))
  }

  async #leaves(block: number): Promise<Uint8Array> {
    const leaves = await this.#table.get(keyOf('leaves', block))
    if (leaves !== undefined) return leaves
    throw new LogError(
      'too-old',
      `the log has no hashes of its entries ${block * this.#bounds.blockEntries} and after any more`,
    )
  }
}

function hashesIn(leaves: Uint8Array): Uint8Array[] {
  return Array.from({ length: leaves.length / hashLength }, (_, at) =>
    leaves.slice(at * hashLength, (at + 1) * hashLength),
  )
}
