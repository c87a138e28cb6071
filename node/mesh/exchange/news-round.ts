/** One round of news between two neighbours: each tells what is new to it, and sends what the other one lacks of that. */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { ThymeshError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import {
  type News,
  newsCodec,
  newsKeyLength,
  newsReportsCodec,
  type SentReports,
  type Told,
  type Wanted,
} from '../../../protocol/messages/news.ts'
import { openReport } from '../../../protocol/report/extended-report.ts'
import { highestCounter, ReportError } from '../../../protocol/report/report.ts'
import { takenMs } from '../limits.ts'
import type { Channel } from '../transport/channel.ts'
import type { Directory } from './directory.ts'
import { type Holdings, memberKey } from './holdings.ts'
import { type Item, type NewsBook, printOf } from './news-book.ts'
import { packItems, unpackItems } from './pack-items.ts'

/** A round has ended early by nobody's fault. */
export class NewsError extends ThymeshError<'busy'> {}

export interface NewsComponents {
  directory: Pick<Directory, 'member' | 'report'>
  holdings: Pick<Holdings, 'findOnly'>
  book: NewsBook
  /** Takes a report from a neighbour. Throws if it isn't signed by its own peer. */
  add(envelope: Uint8Array, from: string): Promise<void>
  /** A neighbour has told of this many reports that it then didn't send, or that there can't be. */
  toldInVain(neighbour: string, count: number): void
}

/** How a round went that we have begun. */
export interface RoundOutcome {
  /** There may be more to tell. */
  readonly more: boolean
  /** We have told something: the other side may still be about to take it, until it answers the next round. */
  readonly told: boolean
}

/** A report that we have asked for, and the one that we have of that peer. */
interface Asked {
  readonly peer: string
  readonly counter: number
  readonly base: Uint8Array | undefined
}

/** What a neighbour is asked for, and how a message says it. */
interface AskedOf {
  readonly list: readonly Asked[]
  readonly wants: Pick<News, 'wants'>
}

/** Bytes that the list needs beside each report and at its beginning. */
const overhead = 3

export class NewsRound {
  readonly #components: NewsComponents
  readonly #neighbour: string

  /** With one neighbour, by its peer ID. */
  constructor(components: NewsComponents, neighbour: string) {
    this.#components = components
    this.#neighbour = neighbour
  }

  /** Begins a round. Throws a FormatError where the other one is at fault. */
  async ask(channel: Channel): Promise<RoundOutcome> {
    const { book } = this.#components
    const items = book.take(this.#neighbour)
    return await this.#orPutBack(items, async () => {
      await channel.send(newsCodec, { ...toldOf(items), ...this.#unread() })
      const { told = [], wants = [], again = [] } = await channel.receive(newsCodec)
      this.#tellAgain(again)
      const asked = this.#asked(told)
      const { reports, tooMany } = await this.#reports(items, wants)
      if (told.length > 0 || wants.length > 0) {
        await channel.send(newsCodec, { ...asked.wants, ...(reports && { reports }) })
      }
      book.putBack(this.#neighbour, tooMany)
      let unread = 0
      if (asked.list.length > 0) unread = await this.#take(asked.list, (await channel.receive(newsCodec)).reports)
      const isFull = Math.max(items.length, told.length) === limits.newsTold
      const more = isFull || tooMany.length > 0 || unread > 0 || again.length > 0
      return { more, told: items.length > 0 }
    })
  }

  /** Answers one that a neighbour has begun with this message. */
  async answer(channel: Channel, first: News): Promise<void> {
    const { book } = this.#components
    this.#tellAgain(first.again ?? [])
    const asked = this.#asked(first.told ?? [])
    const items = book.take(this.#neighbour)
    await this.#orPutBack(items, async () => {
      await channel.send(newsCodec, { ...toldOf(items), ...asked.wants, ...this.#unread() })
      if (items.length === 0 && asked.list.length === 0) return
      const { wants = [], reports: sent } = await channel.receive(newsCodec)
      const { reports, tooMany } = await this.#reports(items, wants)
      if (reports !== undefined) await channel.send(newsCodec, { reports })
      book.putBack(this.#neighbour, tooMany)
      if (asked.list.length > 0) await this.#take(asked.list, sent)
    })
  }

  /** What we could not read, as a message says it. */
  #unread(): Pick<News, 'again'> {
    const peers = this.#components.book.takeUnread(this.#neighbour)
    return peers.length === 0 ? {} : { again: peers.map(keyOf) }
  }

  #tellAgain(keys: readonly Uint8Array[]): void {
    const { holdings, book } = this.#components
    const peers = keys.flatMap(key => holdings.findOnly(key) ?? [])
    book.tellAgain(this.#neighbour, peers)
  }

  /** What a round that fails has told counts as untold: at worst it is told twice. */
  async #orPutBack<T>(items: readonly Item[], round: () => Promise<T>): Promise<T> {
    try {
      return await round()
    } catch (thrown) {
      this.#components.book.putBack(this.#neighbour, items)
      throw thrown
    }
  }

  /** What we lack of what the neighbour has told. */
  #asked(told: readonly Told[]): AskedOf {
    const { directory, holdings, book, toldInVain } = this.#components
    const list: Asked[] = []
    const wants: Wanted[] = []
    let impossible = 0
    for (const [place, [key, counter]] of told.entries()) {
      const peer = holdings.findOnly(key)
      const member = peer === undefined ? undefined : directory.member(peer)
      if (member === undefined) continue
      book.heard(this.#neighbour, [member.peer, counter])
      if (counter > highestCounter(member)) impossible++
      if (counter <= (member.report?.counter ?? 0) || counter > highestCounter(member)) continue
      const isWhole = book.takeWhole(this.#neighbour, member.peer)
      const base = isWhole ? undefined : directory.report(member.peer)?.envelope
      list.push({ peer: member.peer, counter, base })
      wants.push([place, base === undefined ? nothing : printOf(base)])
    }
    if (impossible > 0) toldInVain(this.#neighbour, impossible)
    return { list, wants: wants.length === 0 ? {} : { wants } }
  }

  readonly #isMember = ({ peer }: Pick<Asked, 'peer'>): boolean => this.#components.directory.member(peer) !== undefined

  /** What the neighbour wants of the items that it was told, and those that are too many for one message. */
  async #reports(
    items: readonly Item[],
    wants: readonly Wanted[],
  ): Promise<{ reports?: SentReports; tooMany: readonly Item[] }> {
    const tooMany: Item[] = []
    if (wants.length === 0) return { tooMany }
    const { directory, book } = this.#components
    const [list, bases, whole]: [Uint8Array[], Uint8Array[], number[]] = [[], [], []]
    let [bytes, last] = [overhead, -1]
    for (const [place, print] of wants) {
      const item = items[place]
      if (item === undefined || place <= last) {
        throw new FormatError('malformed', `expected ascending places of ${items.length} reports, got ${place}`)
      }
      last = place
      const envelope = directory.report(item[0])?.envelope ?? nothing
      const fits = bytes + overhead + envelope.length <= limits.newsReports
      const base = fits && envelope.length > 0 ? book.replaced(item[0], print) : undefined
      if (base === undefined) whole.push(list.length)
      else bases.push(base)
      list.push(fits ? envelope : nothing)
      if (!fits) tooMany.push(item)
      bytes += overhead + (fits ? envelope.length : 0)
    }
    const contents = newsReportsCodec.encode(list)
    const packed = await packItems(contents, dictionaryOf(bases))
    return { reports: { packed, unpacked: contents.length, ...(whole.length > 0 && { whole }) }, tooMany }
  }

  /** Resolves to how many could not be read, which is said in the next round. */
  async #take(asked: readonly Asked[], sent: SentReports | undefined): Promise<number> {
    const { book, toldInVain } = this.#components
    if (sent === undefined) {
      toldInVain(this.#neighbour, asked.filter(this.#isMember).length)
      return 0
    }
    const whole = new Set(sent.whole)
    const given = asked.map((each, at) => ({ ...each, base: whole.has(at) ? undefined : each.base }))
    const bases = given.flatMap(({ base }) => base ?? [])
    let reports: Uint8Array[]
    try {
      const contents = await unpackItems(sent.packed, sent.unpacked, dictionaryOf(bases))
      reports = newsReportsCodec.decode(contents)
      if (reports.length !== asked.length) {
        throw new FormatError('malformed', `expected ${asked.length} reports, got ${reports.length}`)
      }
    } catch (thrown) {
      // Whoever signs two reports with the same fingerprint must not make others blame each other, or keep news from them.
      if (bases.length === 0) throw thrown
      toldInVain(this.#neighbour, 1)
      const peers = asked.map(({ peer }) => peer)
      book.unread(this.#neighbour, peers)
      return peers.length
    }
    // As many as go into one message: others are told once more.
    const isFull = sent.unpacked > limits.newsReports - limits.envelope - overhead
    return await this.#add(given, reports, isFull)
  }

  /** What waits for the pace of its author holds up nothing else. */
  async #add(given: readonly Asked[], reports: readonly Uint8Array[], isFull: boolean): Promise<number> {
    const { add, book, toldInVain } = this.#components
    const adding: Promise<void>[] = []
    const unread: string[] = []
    let missing = 0
    for (const [at, envelope] of reports.entries()) {
      const { peer, counter, base } = given[at] as Asked
      if (envelope.length === 0) {
        // Who was revoked meanwhile has no report any more, here as there.
        missing += isFull || !this.#isMember({ peer }) ? 0 : 1
        continue
      }
      const added = this.#addOne(envelope, peer, add).then(
        got => {
          if (got < counter) missing++
        },
        thrown => {
          if (base === undefined || !isFault(thrown)) throw thrown
          unread.push(peer)
          missing++
        },
      )
      added.catch(() => {})
      adding.push(added)
      await Promise.race([added, nextTurn()])
    }
    const late = new AbortController()
    try {
      await Promise.race([Promise.all(adding), sleep(takenMs, undefined, { signal: late.signal })])
    } finally {
      late.abort()
      if (missing > 0) toldInVain(this.#neighbour, missing)
      book.unread(this.#neighbour, unread)
    }
    return unread.length
  }

  /** Resolves to its counter. */
  async #addOne(envelope: Uint8Array, expected: string, add: NewsComponents['add']): Promise<number> {
    const { peer, counter } = openReport(envelope).document
    if (peer !== expected) throw new FormatError('malformed', `expected another report than one of ${peer}`)
    await add(envelope, this.#neighbour)
    return counter
  }
}

/** Whether a report was not what it has to be, whoever it was that made it so. */
export function isFault(thrown: unknown): boolean {
  return thrown instanceof FormatError || thrown instanceof ReportError
}

const nothing = new Uint8Array()

function toldOf(items: readonly Item[]): Pick<News, 'told'> {
  return items.length === 0 ? {} : { told: items.map(([peer, counter]) => [keyOf(peer), counter]) }
}

function keyOf(peer: string): Uint8Array {
  return Uint8Array.from(memberKey(peer).subarray(0, newsKeyLength))
}

/** Of the same form as what is compressed, so that all of one report follows all of the other. */
function dictionaryOf(bases: Uint8Array[]): Uint8Array | undefined {
  return bases.length === 0 ? undefined : newsReportsCodec.encode(bases)
}
