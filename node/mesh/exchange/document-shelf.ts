/**
 * Signed documents of members, by peer ID: on disk, and decoded again when they are asked for. Those that were used last stay
 * in memory, and those that are not written yet.
 */

import { LRUCache } from 'lru-cache'
import { messageOf } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import type { Table } from '../../state/database.ts'
import { reportsUnwrittenMs } from '../../state/limits.ts'
import { WriteBehind } from '../../state/write-behind.ts'

interface Signed {
  readonly envelope: Uint8Array
}

export interface DocumentShelfComponents<T extends Signed> {
  readonly table: Table
  readonly log: Logger
  /** Decodes an envelope that was verified before it was stored. */
  readonly open: (envelope: Uint8Array) => T
  /** What is on disk can't be read: it is no longer known. */
  readonly onLost: (peer: string) => void
}

export class DocumentShelf<T extends Signed> {
  readonly #components: DocumentShelfComponents<T>
  readonly #stored: WriteBehind
  readonly #decoded: LRUCache<string, T>
  #isStopped = false

  /** `decoded`: so many stay decoded in memory. */
  constructor(components: DocumentShelfComponents<T>, { decoded }: { decoded: number }) {
    this.#components = components
    this.#stored = new WriteBehind(components, { delayMs: reportsUnwrittenMs })
    // Limited by size instead of count: `max` would allocate memory for all at once.
    this.#decoded = new LRUCache({ maxSize: decoded, sizeCalculation: () => 1 })
  }

  /** Everything that is on disk; what can't be read is skipped. */
  async *load(): AsyncGenerator<[string, T]> {
    const { table, open, log } = this.#components
    for await (const [peer, envelope] of table.entries()) {
      let document: T
      try {
        document = open(envelope)
      } catch (thrown) {
        log.warn({ peer, reason: messageOf(thrown) }, 'a stored document was skipped')
        continue
      }
      this.#decoded.set(peer, document)
      yield [peer, document]
    }
  }

  /** The document of a member for whom there is one. */
  get(peer: string): T | undefined {
    const known = this.#decoded.get(peer)
    if (known !== undefined) return known
    const { table, open, onLost, log } = this.#components
    try {
      const envelope = this.#stored.unwritten(peer) ?? table.getSync(peer)
      if (envelope === undefined) throw new RangeError('it is not there')
      const document = open(envelope)
      this.#decoded.set(peer, document)
      return document
    } catch (thrown) {
      // The database may be closed by now, or can't be read for the moment, which says nothing of the document.
      if (this.#isStopped || isPassing(thrown)) return undefined
      log.warn({ peer, reason: messageOf(thrown) }, 'a stored document could not be read')
      onLost(peer)
      return undefined
    }
  }

  /** Keeps a document; it is written within a minute. */
  put(peer: string, document: T): void {
    this.#decoded.set(peer, document)
    this.#stored.put(peer, document.envelope)
  }

  delete(peer: string): Promise<void> {
    this.#decoded.delete(peer)
    return this.#stored.delete(peer)
  }

  /** Writes what is only in memory. Never rejects: what can't be written stays, and is tried again. */
  flush(): Promise<void> {
    return this.#stored.flush()
  }

  /** Writes the same; from now on nothing counts as lost. */
  stop(): Promise<void> {
    this.#isStopped = true
    return this.#stored.stop()
  }
}

/** Whether another read may go well: LevelDB opens files as it needs them, and a process may have too many open. */
function isPassing(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return code.startsWith('LEVEL_') && code !== 'LEVEL_CORRUPTION'
}
