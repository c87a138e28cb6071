/** Documents by their SHA-256, and the sweep that takes away those that nothing needs, while others come and are read. */

import { sha256Hex } from '../../protocol/encoding/hash.ts'
import type { Change, Database, Table } from './database.ts'

/** Deleted at a time, in one write that is on disk before the next. */
const batchSize = 500

/** Works out what is needed. It reads by its argument: what is read otherwise during a sweep is taken for needed. */
export type FindLive = (read: (hash: string) => Promise<Uint8Array | undefined>) => Promise<ReadonlySet<string>>

export class DocumentTable {
  readonly #database: Database
  readonly #table: Table
  /**
   * Kept since the last sweep began, or read while one runs. Someone may be about to name them (a release that is being
   * made, a fetch that goes on), so a sweep leaves them, and the next one looks again.
   */
  #recent = new Set<string>()
  #sweeping = false
  /** The write that deletes; who reads or keeps a document waits for it, and then knows what is there. */
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

  /** What keeps documents, to be written together with what names them. */
  async changes(documents: readonly Uint8Array[]): Promise<Change[]> {
    const changes = documents.map((value): Change => ({ table: 'documents', key: sha256Hex(value), value }))
    for (const { key } of changes) this.#recent.add(key)
    await this.#deleting
    return changes
  }

  /**
   * Deletes all documents but those that `needed` names by their SHA-256 in hex, and recent ones; resolves to how many went.
   * Rejects, and leaves the rest, when `needed` does or the signal aborts.
   */
  async sweep(findLive: FindLive, signal?: AbortSignal): Promise<number> {
    if (this.#sweeping) throw new RangeError('expected one sweep at a time')
    this.#sweeping = true
    const spared = this.#recent
    this.#recent = new Set()
    let gone = 0
    try {
      // Listed first: what comes while it is worked out what is needed is not in the list.
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
