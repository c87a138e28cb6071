/**
 * What each neighbour has not been told yet of reports, and the reports that these replaced: a neighbour that still has
 * those is sent only the difference.
 */

import { LRUCache } from 'lru-cache'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { newsPrintLength } from '../../../protocol/messages/news.ts'
import { newsBaseBytes, newsStepsMs, untoldReports } from '../limits.ts'

/** A peer, and the counter of its report. */
export type Item = readonly [peer: string, counter: number]

/** Counters by peer ID, the oldest first. */
type Counters = Map<string, number>

/** What there is between us and one neighbour. */
interface Page {
  readonly untold: Counters
  /** What it is told a few minutes later, unless something newer comes first. */
  readonly later: Counters
  /** When those were told last. */
  laterAt: number
  /** What it was told last: it may ask for that once more. */
  readonly told: Counters
  /** Whose reports it has sent, and could not be read; and whether we have said so. */
  readonly unread: Map<string, boolean>
}

export class NewsBook {
  readonly #now: () => number
  /** Of each neighbour with a link, by its peer ID. */
  readonly #pages = new Map<string, Page>()
  /** What a neighbour was not told before its page was closed: the next one is told instead. */
  readonly #left: Counters = new Map()
  /** The envelope that the last repetition of each peer replaced. */
  readonly #replaced = new LRUCache<string, Uint8Array>({
    maxSize: newsBaseBytes,
    sizeCalculation: envelope => envelope.length + 1,
  })

  /** `now`: milliseconds; for tests. */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now
  }

  open(neighbour: string): void {
    if (this.#pages.has(neighbour)) return
    const untold = new Map(this.#left)
    this.#pages.set(neighbour, {
      ...{ untold, later: new Map(), laterAt: this.#now(), told: new Map(), unread: new Map() },
    })
    this.#left.clear()
  }

  close(neighbour: string): void {
    const { untold, later } = this.#pages.get(neighbour) ?? {}
    for (const item of [...(later ?? []), ...(untold ?? [])]) this.#leave(item)
    this.#pages.delete(neighbour)
  }

  /** What was left when neighbours went, to be told in another way; it is forgotten here. */
  takeLeft(): Item[] {
    const left = [...this.#left]
    this.#left.clear()
    return left
  }

  has(neighbour: string): boolean {
    return this.#pages.has(neighbour)
  }

  get neighbours(): string[] {
    return [...this.#pages.keys()]
  }

  /** Whether there is something to tell a neighbour. */
  hasNews(neighbour: string): boolean {
    return (this.#pages.get(neighbour)?.untold.size ?? 0) > 0
  }

  /**
   * Notes a report, to be told to all neighbours but that one; of too many the oldest ones are left to syncs. Some neighbours are
   * told in some minutes only, and not if the next report of that peer is there by then.
   */
  add(
    [peer, counter]: Item,
    replaced: Uint8Array | undefined,
    from?: string,
    isLater: (neighbour: string) => boolean = () => false,
  ): void {
    if (replaced !== undefined) this.#replaced.set(peer, replaced)
    for (const [neighbour, { untold, later }] of this.#pages) {
      if (neighbour === from) continue
      // Told already that there is something: it is sent the newest.
      if (isLater(neighbour)) put(untold.has(peer) ? untold : later, [peer, counter], untoldReports)
      else {
        later.delete(peer)
        put(untold, [peer, counter], untoldReports)
      }
    }
  }

  /** What to tell a neighbour now, the oldest first: from then on it counts as told. */
  take(neighbour: string): Item[] {
    const page = this.#pages.get(neighbour)
    if (page !== undefined && this.#now() - page.laterAt >= newsStepsMs) {
      for (const item of page.later) put(page.untold, item, untoldReports)
      page.later.clear()
      page.laterAt = this.#now()
    }
    const items = [...(page?.untold ?? [])].slice(0, limits.newsTold)
    for (const item of items) {
      page?.untold.delete(item[0])
      // It answers the last round's in the next one.
      if (page !== undefined) put(page.told, item, 2 * limits.newsTold)
    }
    return items
  }

  /** It was not told after all; what is newer by now stays. A round may end after its neighbour has gone. */
  putBack(neighbour: string, items: readonly Item[]): void {
    const untold = this.#pages.get(neighbour)?.untold
    for (const [peer, counter] of items) {
      if (untold === undefined) this.#leave([peer, counter])
      else if (!untold.has(peer)) untold.set(peer, counter)
    }
  }

  #leave([peer, counter]: Item): void {
    put(this.#left, [peer, Math.max(counter, this.#left.get(peer) ?? 0)], untoldReports)
  }

  /** A neighbour could not read what it was sent of these: what it was told lately is told once more. */
  tellAgain(neighbour: string, peers: readonly string[]): void {
    const told = this.#pages.get(neighbour)?.told
    for (const peer of peers) {
      const counter = told?.get(peer)
      if (told?.delete(peer) && counter !== undefined) this.putBack(neighbour, [[peer, counter]])
    }
  }

  /** What a neighbour has sent of these could not be read. */
  unread(neighbour: string, peers: readonly string[]): void {
    const unread = this.#pages.get(neighbour)?.unread
    for (const peer of peers) if (unread !== undefined) put(unread, [peer, false], 2 * limits.newsTold)
  }

  /** What a neighbour is to be told of that now. */
  takeUnread(neighbour: string): string[] {
    const unread = this.#pages.get(neighbour)?.unread ?? new Map<string, boolean>()
    const peers = [...unread].flatMap(([peer, isSaid]) => (isSaid ? [] : [peer])).slice(0, limits.newsTold)
    for (const peer of peers) unread.set(peer, true)
    return peers
  }

  /** Whether the next report of a peer is asked for as it is; once for each that could not be read. */
  takeWhole(neighbour: string, peer: string): boolean {
    return this.#pages.get(neighbour)?.unread.delete(peer) ?? false
  }

  /** A neighbour has said that it has this. */
  heard(neighbour: string, [peer, counter]: Item): void {
    const { untold, later } = this.#pages.get(neighbour) ?? {}
    for (const each of [untold, later]) {
      if ((each?.get(peer) ?? Number.POSITIVE_INFINITY) <= counter) each?.delete(peer)
    }
  }

  /** The report that the last one of a peer replaced, if it has this fingerprint. */
  replaced(peer: string, print: Uint8Array): Uint8Array | undefined {
    const envelope = this.#replaced.get(peer)
    return envelope !== undefined && equalBytes(printOf(envelope), print) ? envelope : undefined
  }
}

/** What tells a report from others of its peer, copies of a device included: the first bytes of its hash. */
export function printOf(envelope: Uint8Array): Uint8Array {
  return Uint8Array.from(sha256(envelope).subarray(0, newsPrintLength))
}

/** Makes it the newest of so many. */
function put<T>(map: Map<string, T>, [key, value]: readonly [string, T], most: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
