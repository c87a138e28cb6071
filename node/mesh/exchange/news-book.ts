/**
 * What each neighbour has not been told yet of repeated reports, and the reports that these replaced: a neighbour that still has
 * those is sent only the difference.
 */

import { LRUCache } from 'lru-cache'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { newsBaseBytes, untoldReports } from '../limits.ts'

/** A peer, and the counter of its report. */
export type Item = readonly [peer: string, counter: number]

export class NewsBook {
  /** Of each neighbour with a link, by its peer ID. */
  readonly #untold = new Map<string, Map<string, number>>()
  /** The envelope that the last repetition of each peer replaced. */
  readonly #replaced = new LRUCache<string, Uint8Array>({
    maxSize: newsBaseBytes,
    sizeCalculation: envelope => envelope.length + 1,
  })

  open(neighbour: string): void {
    if (!this.#untold.has(neighbour)) this.#untold.set(neighbour, new Map())
  }

  close(neighbour: string): void {
    this.#untold.delete(neighbour)
  }

  has(neighbour: string): boolean {
    return this.#untold.has(neighbour)
  }

  get neighbours(): string[] {
    return [...this.#untold.keys()]
  }

  /** Notes a repetition, to be told to all neighbours but that one; of too many the oldest ones are left to syncs. */
  add([peer, counter]: Item, replaced: Uint8Array | undefined, from?: string): void {
    if (replaced !== undefined) this.#replaced.set(peer, replaced)
    for (const [neighbour, untold] of this.#untold) {
      if (neighbour === from) continue
      untold.delete(peer)
      untold.set(peer, counter)
      const [oldest] = untold.keys()
      if (untold.size > untoldReports && oldest !== undefined) untold.delete(oldest)
    }
  }

  /** What to tell a neighbour now, the oldest first: from then on it counts as told. */
  take(neighbour: string): Item[] {
    const untold = this.#untold.get(neighbour)
    const items = [...(untold ?? [])].slice(0, limits.newsTold)
    for (const [peer] of items) untold?.delete(peer)
    return items
  }

  /** It was not told after all; what is newer by now stays. */
  putBack(neighbour: string, items: readonly Item[]): void {
    const untold = this.#untold.get(neighbour)
    for (const [peer, counter] of items) if (untold?.has(peer) === false) untold.set(peer, counter)
  }

  /** A neighbour has said that it has this. */
  heard(neighbour: string, [peer, counter]: Item): void {
    const untold = this.#untold.get(neighbour)
    if ((untold?.get(peer) ?? Number.POSITIVE_INFINITY) <= counter) untold?.delete(peer)
  }

  /** The report that the last one of a peer replaced, if it has this fingerprint. */
  replaced(peer: string, print: number): Uint8Array | undefined {
    const envelope = this.#replaced.get(peer)
    return envelope !== undefined && printOf(envelope) === print ? envelope : undefined
  }
}

/** What tells a report from others of its peer, copies of a device included: four bytes of its hash, never 0. */
export function printOf(envelope: Uint8Array): number {
  const hash = sha256(envelope)
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0) || 1
}
