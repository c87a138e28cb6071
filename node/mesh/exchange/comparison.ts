/** The first part of a sync: both sides find out what the other one lacks, by ranges or, with older peers, by digests. */

import type { Codec } from '../../../protocol/encoding/cbor.ts'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import { certificateRank } from '../../../protocol/members/certificate.ts'
import {
  digestCodec,
  type Head,
  headCodec,
  type ProtocolNames,
  type SyncDigest,
  summaryCodec,
} from '../../../protocol/messages/messages.ts'
import { openingCodec, rangesCodec } from '../../../protocol/messages/ranges.ts'
import type { Channel } from '../transport/channel.ts'
import type { Directory } from './directory.ts'
import { counterIn, OwnDigest, type OwnDigestComponents, type ReportForm } from './own-digest.ts'
import type { OwnHoldings } from './own-holdings.ts'
import { isLastTurn, Reconciliation, shortPrints } from './reconciliation.ts'

/** What the other side lacks of a member. */
export interface LackingOf {
  readonly peer: string
  readonly certificate: boolean
  readonly report: boolean
}

export interface Compared {
  /** The other side's head; undefined if it has none, or the same. */
  readonly head: Head | undefined
  readonly lacking: Iterable<LackingOf>
}

/** How one exchange compares. */
export interface Manner {
  readonly protocol: string
  /**
   * Who asked speaks second: the other side may wait for its turn, and what comes here meanwhile is no difference then.
   */
  readonly speaksSecond: boolean
  /** Hears how many bytes the comparison has cost so far, both ways, about. */
  readonly spent: (bytes: number) => void
}

export type ComparisonComponents = OwnDigestComponents & {
  directory: Directory
  names: ProtocolNames
  holdings: OwnHoldings
}

export class Comparison {
  readonly #components: ComparisonComponents
  readonly #digest: OwnDigest
  readonly #own: OwnHoldings

  constructor(components: ComparisonComponents) {
    this.#components = components
    this.#digest = new OwnDigest(components)
    this.#own = components.holdings
  }

  start(): void {
    this.#digest.start()
    this.#own.start()
  }

  stop(): void {
    this.#digest.stop()
    this.#own.stop()
  }

  /** Between peers that met before there is mostly no difference, so fingerprints of everything are compared first. */
  async run(channel: Channel, manner: Manner): Promise<Compared> {
    const { names } = this.#components
    if (isByRanges(names, manner.protocol)) return await this.#byRanges(channel, manner)
    const theirs = await this.#digests(channel, manner)
    return { head: theirs.head, lacking: this.#lackingIn(theirs, this.#formOf(manner.protocol)) }
  }

  async #byRanges(channel: Channel, { protocol, speaksSecond, spent }: Manner): Promise<Compared> {
    const before = speaksSecond ? await channel.receive(openingCodec) : undefined
    const ours = this.#own.opening()
    const { opening } = ours
    // Who speaks second goes on at once: with its head, a turn or the end of its items.
    if (speaksSecond) channel.hold(openingCodec, opening)
    else await channel.send(openingCodec, opening)
    const theirs = before ?? (await channel.receive(openingCodec))
    let head: Head | undefined
    if (!equalBytes(theirs.head ?? noBytes, opening.head ?? noBytes)) {
      if (ours.head === undefined) await channel.flush()
      if (ours.head !== undefined) await channel.send(headCodec, ours.head)
      if (theirs.head !== undefined) head = await channel.receive(headCodec)
    }
    const [asking, asked] = speaksSecond ? [opening, theirs] : [theirs, opening]
    const prints = protocol === this.#components.names.sync ? shortPrints(asking.print, asked.print) : undefined
    const comparing = new Reconciliation(this.#own.holdings, prints)
    if (!equalBytes(theirs.print, opening.print)) await compareRanges(channel, comparing, { speaksSecond, spent })
    return { head, lacking: [...comparing.lacking].map(([peer, what]) => ({ peer, ...what })) }
  }

  async #digests(channel: Channel, { protocol, speaksSecond, spent }: Manner): Promise<SyncDigest> {
    const form = this.#formOf(protocol)
    let ours = this.#digest.current(form)
    const newest = () => {
      ours = this.#digest.current(form)
      return ours
    }
    if (protocol === this.#components.names.plainSync) {
      return await swap(channel, digestCodec, () => newest().digest, speaksSecond)
    }
    const theirs = await swap(channel, summaryCodec, () => ({ digest: newest().hash }), speaksSecond)
    if (equalBytes(theirs.digest, ours.hash)) return ours.digest
    spent(2 * ours.bytes)
    return await swap(channel, digestCodec, () => ours.digest, false)
  }

  #formOf(protocol: string): ReportForm {
    return isPlain(this.#components.names, protocol) ? 'plain' : 'all'
  }

  *#lackingIn(theirs: SyncDigest, form: ReportForm): Generator<LackingOf> {
    const { directory } = this.#components
    const held = new Map(theirs.members.map(member => [member.peer, member]))
    for (const each of directory.members()) {
      const known = held.get(each.peer)
      yield {
        peer: each.peer,
        certificate: known === undefined || known.issued < certificateRank(each),
        report: counterIn(form, each) > (known?.report ?? 0),
      }
    }
  }
}

/** Whether a version of sync finds differences by ranges, and sends items in batches. */
export function isByRanges({ sync, syncByLongPrints }: ProtocolNames, protocol: string): boolean {
  return protocol === sync || protocol === syncByLongPrints
}

/** Whether a version of sync carries reports of version 1 only. */
export function isPlain({ syncOfPlainReports, plainSync }: ProtocolNames, protocol: string): boolean {
  return protocol === syncOfPlainReports || protocol === plainSync
}

/** Turn by turn, until one says nothing that needs an answer; who asked begins. */
async function compareRanges(
  channel: Channel,
  comparing: Reconciliation,
  { speaksSecond, spent }: Pick<Manner, 'speaksSecond' | 'spent'>,
): Promise<void> {
  if (speaksSecond) await channel.send(rangesCodec, comparing.begin())
  for (;;) {
    const reply = comparing.answer(await channel.receive(rangesCodec))
    // The other side's turns cost about as much.
    spent(2 * comparing.spoken)
    if (reply === undefined) return
    // Items follow the last one at once, or their end does.
    if (isLastTurn(reply)) return channel.hold(rangesCodec, reply)
    await channel.send(rangesCodec, reply)
  }
}

/** Each side sends one message; who speaks second makes its own when it has the other's. */
async function swap<T>(channel: Channel, codec: Codec<T>, ours: () => T, speaksSecond: boolean): Promise<T> {
  const theirs = speaksSecond ? await channel.receive(codec) : undefined
  await channel.send(codec, ours())
  return theirs ?? (await channel.receive(codec))
}

const noBytes = new Uint8Array()
