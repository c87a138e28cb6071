/** One round of news between two neighbours: each tells what is new to it, and sends what the other one lacks of that. */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
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
import { highestCounter } from '../../../protocol/report/report.ts'
import { takenMs } from '../limits.ts'
import type { Channel } from '../transport/channel.ts'
import type { Directory } from './directory.ts'
import { type Holdings, memberKey } from './holdings.ts'
import { type Item, type NewsBook, printOf } from './news-book.ts'
import { packItems, unpackItems } from './pack-items.ts'

/** A round has ended early by nobody's fault, or by one that can't be told from that. */
export class NewsError extends ThymeshError<'not-readable' | 'busy'> {}

export interface NewsComponents {
  directory: Pick<Directory, 'member' | 'report'>
  holdings: Pick<Holdings, 'findOnly'>
  book: NewsBook
  /** Takes a report from a neighbour. Throws if it isn't signed by its own peer. */
  add(envelope: Uint8Array, from: string): Promise<void>
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
    const items = this.#components.book.take(this.#neighbour)
    return await this.#orPutBack(items, async () => {
      await channel.send(newsCodec, { ...toldOf(items) })
      const { told = [], wants = [] } = await channel.receive(newsCodec)
      const asked = this.#asked(told)
      const { reports, tooMany } = await this.#reports(items, wants)
      if (told.length > 0 || wants.length > 0) {
        await channel.send(newsCodec, { ...asked.wants, ...(reports && { reports }) })
      }
      this.#components.book.putBack(this.#neighbour, tooMany)
      if (asked.list.length > 0) await this.#take(asked.list, (await channel.receive(newsCodec)).reports)
      const isFull = Math.max(items.length, told.length) === limits.newsTold
      return { more: isFull || tooMany.length > 0, told: items.length > 0 }
    })
  }

  /** Answers one that a neighbour has begun with this message. */
  async answer(channel: Channel, first: News): Promise<void> {
    const asked = this.#asked(first.told ?? [])
    const items = this.#components.book.take(this.#neighbour)
    await this.#orPutBack(items, async () => {
      await channel.send(newsCodec, { ...toldOf(items), ...asked.wants })
      if (items.length === 0 && asked.list.length === 0) return
      const { wants = [], reports: sent } = await channel.receive(newsCodec)
      const { reports, tooMany } = await this.#reports(items, wants)
      if (reports !== undefined) await channel.send(newsCodec, { reports })
      this.#components.book.putBack(this.#neighbour, tooMany)
      if (asked.list.length > 0) await this.#take(asked.list, sent)
    })
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
    const { directory, holdings, book } = this.#components
    const list: Asked[] = []
    const wants: Wanted[] = []
    for (const [place, [key, counter]] of told.entries()) {
      const peer = holdings.findOnly(key)
      const member = peer === undefined ? undefined : directory.member(peer)
      if (member === undefined) continue
      book.heard(this.#neighbour, [member.peer, counter])
      if (counter <= (member.report?.counter ?? 0) || counter > highestCounter(member)) continue
      const base = directory.report(member.peer)?.envelope
      list.push({ peer: member.peer, base })
      wants.push([place, base === undefined ? 0 : printOf(base)])
    }
    return { list, wants: wants.length === 0 ? {} : { wants } }
  }

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
      const base = fits && envelope.length > 0 && print > 0 ? book.replaced(item[0], print) : undefined
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

  async #take(asked: readonly Asked[], sent: SentReports | undefined): Promise<void> {
    if (sent === undefined) return
    const whole = new Set(sent.whole)
    const bases = asked.flatMap(({ base }, at) => (base === undefined || whole.has(at) ? [] : [base]))
    try {
      const contents = await unpackItems(sent.packed, sent.unpacked, dictionaryOf(bases))
      await this.#add(asked, newsReportsCodec.decode(contents))
    } catch (thrown) {
      // Whoever makes two reports with the same fingerprint must not make others blame each other.
      if (bases.length === 0) throw thrown
      throw new NewsError('not-readable', `the reports of a round can't be read: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
  }

  /** What waits for the pace of its author holds up nothing else. */
  async #add(asked: readonly Asked[], reports: readonly Uint8Array[]): Promise<void> {
    if (reports.length !== asked.length) {
      throw new FormatError('malformed', `expected ${asked.length} reports, got ${reports.length}`)
    }
    const adding: Promise<void>[] = []
    for (const [at, envelope] of reports.entries()) {
      if (envelope.length === 0) continue
      const { peer } = openReport(envelope).document
      if (peer !== asked[at]?.peer) throw new FormatError('malformed', `expected another report than one of ${peer}`)
      const added = this.#components.add(envelope, this.#neighbour)
      added.catch(() => {})
      adding.push(added)
      await Promise.race([added, nextTurn()])
    }
    const late = new AbortController()
    try {
      await Promise.race([Promise.all(adding), sleep(takenMs, undefined, { signal: late.signal })])
    } finally {
      late.abort()
    }
  }
}

const nothing = new Uint8Array()

function toldOf(items: readonly Item[]): Pick<News, 'told'> {
  const key = (peer: string) => Uint8Array.from(memberKey(peer).subarray(0, newsKeyLength))
  return items.length === 0 ? {} : { told: items.map(([peer, counter]) => [key(peer), counter]) }
}

/** Of the same form as what is compressed, so that all of one report follows all of the other. */
function dictionaryOf(bases: Uint8Array[]): Uint8Array | undefined {
  return bases.length === 0 ? undefined : newsReportsCodec.encode(bases)
}
