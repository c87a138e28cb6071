/** Documents by SHA-256, and a sweep that deletes unreferenced ones while others are added and read. */

import { sha256Hex } from '../../protocol/encoding/hash.ts'
import type { Change, Database, Table } from './database.ts'

/** Deletions in one batch, which is on disk before the next. */
const batchSize = 500

/**
 * Determines the live documents. It reads through its argument: documents read in any other way during a sweep count
 * as live.
 */
export type FindLive = (read: (hash: string) => Promise<Uint8Array | undefined>) => Promise<ReadonlySet<string>>

export class DocumentTable {
  readonly #database: Database
  readonly #table: Table
  /**
   * Documents added since the last sweep began, or read during one. Something may be about to refer to them (a
   * release in preparation, a running fetch), so they are spared until the next sweep.
   */
  #recent = new Set<string>()
  #sweeping = false
  /** The running batch of deletions; reads and writes wait for it, so that they see its result. */
  #deleting: Promise<void> | undefined

  constructor(database: Database) {
    this.#database = database
    this.#table = database.table('documents')
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    if (this.#sweeping) this.#recent.add(hash)
    await this.#deleting
    return await this.#table.get(hash)
  }

  async put(bytes: Uint8Array): Promise<void> {
    const [change] = await this.changes([bytes])
    if (change?.value !== undefined) await this.#table.put(change.key, change.value)
  }

  /** Changes that add documents, to be applied in one batch with what names them. */
  async changes(documents: readonly Uint8Array[]): Promise<Change[]> {
    const changes = documents.map((value): Change => ({ table: 'documents', key: sha256Hex(value), value }))
    for (const { key } of changes) this.#recent.add(key)
    await this.#deleting
    return changes
  }

  /**
   * Deletes all documents except live and recent ones; resolves to the number deleted. Rejects, leaving the rest, if
   * `findLive` rejects or the signal aborts.
   */
  async sweep(findLive: FindLive, signal?: AbortSignal): Promise<number> {
    if (this.#sweeping) throw new RangeError('expected one sweep at a time')
    this.#sweeping = true
    const spared = this.#recent
    this.#recent = new Set()
    let gone = 0
    try {
      // Listed first, so that documents added while the live ones are determined are not in the list.
      const listed: string[] = []
      for await (const key of this.#table.keys()) listed.push(key)
      const wanted = await findLive(hash => this.#table.get(hash))
      const dead = listed.filter(key => !wanted.has(key) && !spared.has(key))
      for (let at = 0; at < dead.length; at += batchSize) {
        signal?.throwIfAborted()
        const batch = dead.slice(at, at + batchSize).filter(key => !this.#recent.has(key))
        this.#deleting = this.#database.apply(batch.map(key => ({ table: 'documents', key, value: undefined })))
        await this.#deleting
        gone += batch.length
      }
    } catch (thrown) {
      for (const key of spared) this.#recent.add(key)
      throw thrown
    } finally {
      this.#deleting = undefined
      this.#sweeping = false
    }
    if (gone > 0) await this.#database.compact('documents')
    return gone
  }
}
