/**
 * News: reports that only repeat what their devices have said, and in large fleets all. Gossip would bring each of them to each
 * peer eight times; here neighbours tell each other once a minute whose reports are new, or at once, and send what is lacking.
 */

import type { PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { messageOf } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { newsCodec } from '../../../protocol/messages/news.ts'
import { type OpenedReport, openReport } from '../../../protocol/report/extended-report.ts'
import { pause } from '../../concurrency/pause.ts'
import type { Logger } from '../../process/log.ts'
import { gossipedMembers, gossipedNews, idleNewsMs, newsFlushMs, newsHurryMs, newsMs } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { type Channel, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import type { Directory } from './directory.ts'
import type { Gossip } from './gossip.ts'
import type { Holdings } from './holdings.ts'
import { NewsBook } from './news-book.ts'
import { NewsLinks } from './news-links.ts'
import { isFault, NewsError, NewsRound } from './news-round.ts'
import { isStep, noveltyOf } from './repetition.ts'

export interface NewsInit {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'members' | 'subjectOf' | 'on' | 'off'>
  directory: Directory
  holdings: Pick<Holdings, 'findOnly'>
  gossip: Pick<Gossip, 'publishReport' | 'publishOwnReport'>
  peerScore: Pick<PeerScore, 'allowRequest' | 'penalize'>
  /** Our own site. */
  site: () => string | undefined
  /** Whether devices go on alone where they hear nothing of others: then all that is heard of those counts at once. */
  isHurried: () => boolean
  log: Logger
}

export class News {
  readonly #components: NewsInit
  readonly #gossiped: number
  readonly #book = new NewsBook()
  readonly #links: NewsLinks
  readonly #stop = new AbortController()
  /** Open streams on which a neighbour begins rounds. */
  readonly #answered = new Map<string, number>()
  /** When a neighbour began its last one, by `performance.now()`. */
  readonly #lastRound = new Map<string, number>()

  /** Neighbours with a hurried round that has not ended. */
  readonly #hurried = new Set<string>()
  #hurrying: NodeJS.Timeout | undefined
  #hurriedAt = -Infinity

  /** `everyMs`: how often news are told; `gossiped`: the largest fleet in which changes are gossiped; for tests. */
  constructor(
    components: NewsInit,
    {
      everyMs = newsMs,
      gossiped = gossipedMembers,
    }: { everyMs?: number | undefined; gossiped?: number | undefined } = {},
  ) {
    this.#components = components
    this.#gossiped = gossiped
    const { host, names, admission, site, log } = components
    this.#links = new NewsLinks(
      {
        ...{ host, protocol: names.news, admission, site, log },
        // One that only comes before syncs doesn't count: both sides could wait for each other.
        isAnswered: neighbour => performance.now() - (this.#lastRound.get(neighbour) ?? -Infinity) < 3 * everyMs,
        round: (neighbour, channel) => this.#round(neighbour).ask(channel),
        onOpened: neighbour => this.#book.open(neighbour),
        onEnded: (neighbour, thrown) => this.#ended(neighbour, thrown),
      },
      { everyMs },
    )
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    admission.gate(names.news)
    await host.handle(names.news, (stream, { remotePeer }) => this.#answer(stream, remotePeer), {
      maxInboundStreams: 2,
    })
    this.#links.start()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    clearTimeout(this.#hurrying)
    this.#links.stop()
    await this.#components.host.unhandle(this.#components.names.news)
  }

  /** Members with which news are exchanged. */
  get neighbours(): PeerId[] {
    return this.#book.neighbours.map(neighbour => peerIdFromString(neighbour))
  }

  /** Tells a neighbour now what it has not been told, and hears the same from it; for a while at most. Never rejects. */
  async flush(peer: PeerId): Promise<void> {
    if (this.#book.has(peer.toString())) await pause(this.#links.roundWith(peer, { settles: true }), newsFlushMs)
  }

  /** Publishes our own report, stored already: by gossip if it says something new, or if others wait for it. */
  publishOwn(envelope: Uint8Array, before: OpenedReport | undefined, isAwaited: boolean): void {
    if (isAwaited || !this.#tell(envelope, before)) this.#components.gossip.publishOwnReport(envelope)
  }

  /** Passes on what a neighbour has brought otherwise than by gossip. `before` is the last known report of that device. */
  spread(envelope: Uint8Array, before: OpenedReport | undefined, from: string): void {
    if (this.#components.isHurried() || !this.#tell(envelope, before, from)) {
      this.#components.gossip.publishReport(envelope)
    }
  }

  /** Whether it is told as news: it says nothing new but a head of a log, or the fleet is large; and somebody is told. */
  #tell(envelope: Uint8Array, before: OpenedReport | undefined, from?: string): boolean {
    const { directory } = this.#components
    const { document } = openReport(envelope)
    const novelty = noveltyOf(document, before?.document)
    if (!this.#hasEnough || (novelty === 'change' && directory.size <= this.#gossiped)) return false
    const peer = directory.member(document.peer)?.peer ?? document.peer
    // Only the own site hears at once how far an update is.
    const isFar = novelty === 'change' && isStep(document, before?.document)
    const isHere = isFar && this.#isOfOurSite(peer)
    const isLater = (neighbour: string) => isFar && !(isHere && this.#isOfOurSite(neighbour))
    this.#book.add([peer, document.counter], before?.envelope, from, isLater)
    if (novelty !== 'repetition' && (isHere || !isFar)) this.#hurry()
    return true
  }

  #isOfOurSite(peer: string): boolean {
    const { site, directory } = this.#components
    return site() !== undefined && directory.member(peer)?.site === site()
  }

  /** Whether so many are told news that these reach all: one alone may be of those who tell nobody. */
  get #hasEnough(): boolean {
    return this.#book.neighbours.length >= Math.min(2, Math.max(1, this.#components.admission.members.length))
  }

  /** Tells the neighbours now, and so do they: witnesses hear in seconds, at the cost of news. */
  #hurry(): void {
    if (this.#stop.signal.aborted) return
    this.#hurrying ??= setTimeout(
      () => {
        this.#hurrying = undefined
        this.#hurriedAt = performance.now()
        for (const neighbour of this.#book.neighbours) if (this.#book.hasNews(neighbour)) this.#hurryWith(neighbour)
      },
      Math.max(0, this.#hurriedAt + newsHurryMs - performance.now()),
    )
  }

  /** Nothing queues up for one that is slow: what comes meanwhile is told a round later. */
  #hurryWith(neighbour: string): void {
    if (this.#hurried.has(neighbour)) return
    this.#hurried.add(neighbour)
    void this.#links.roundWith(peerIdFromString(neighbour)).finally(() => this.#hurried.delete(neighbour))
  }

  /** Gossips what was not told to neighbours that have gone, where the others are too few. */
  #spreadLeft(): void {
    const { gossip, directory, admission } = this.#components
    if (this.#stop.signal.aborted || this.#hasEnough || admission.members.length === 0) return
    for (const [peer] of this.#book.takeLeft().slice(-gossipedNews)) {
      const report = directory.report(peer)
      if (report !== undefined) gossip.publishReport(report.envelope)
    }
  }

  #round(neighbour: string): NewsRound {
    const { directory, holdings } = this.#components
    const add = (envelope: Uint8Array, from: string) => this.#add(envelope, from)
    const toldInVain = (from: string, count: number) => this.#toldInVain(from, count)
    return new NewsRound({ directory, holdings, book: this.#book, add, toldInVain }, neighbour)
  }

  /** An honest neighbour does that at times: what is beyond that is a fault. */
  #toldInVain(neighbour: string, count: number): void {
    const { peerScore } = this.#components
    for (let each = 0; each < count; each++) {
      if (peerScore.allowRequest(neighbour, 'newsInVain')) continue
      peerScore.penalize(neighbour, 'it tells of reports that it does not have')
    }
  }

  async #add(envelope: Uint8Array, from: string): Promise<void> {
    const { directory } = this.#components
    const before = directory.report(openReport(envelope).document.peer)
    if ((await directory.addReport(envelope)) === 'new') this.spread(envelope, before, from)
  }

  async #answer(stream: Stream, peer: PeerId): Promise<void> {
    const neighbour = peer.toString()
    this.#answered.set(neighbour, (this.#answered.get(neighbour) ?? 0) + 1)
    let ended: unknown
    try {
      await withChannel(stream, this.#stop.signal, channel => this.#answerAll(channel, neighbour))
    } catch (thrown) {
      ended = thrown
    }
    const others = (this.#answered.get(neighbour) ?? 1) - 1
    if (others > 0) this.#answered.set(neighbour, others)
    else {
      this.#answered.delete(neighbour)
      this.#lastRound.delete(neighbour)
      this.#links.release(neighbour)
    }
    this.#ended(neighbour, ended)
  }

  async #answerAll(channel: Channel, neighbour: string): Promise<never> {
    for (;;) {
      const first = await channel.receive(newsCodec, idleNewsMs)
      if (!this.#components.peerScore.allowRequest(neighbour, 'news')) {
        throw new NewsError('busy', 'expected rounds of news less often')
      }
      // Who only opens a stream is no neighbour that is told.
      this.#book.open(neighbour)
      this.#lastRound.set(neighbour, performance.now())
      await this.#round(neighbour).answer(channel, first)
    }
  }

  /** One of the streams with a neighbour has ended: with the last one, it is told nothing any more. */
  #ended(neighbour: string, thrown: unknown): void {
    const { peerScore, log } = this.#components
    if (!this.#answered.has(neighbour) && !this.#links.has(neighbour)) {
      this.#book.close(neighbour)
      this.#spreadLeft()
    }
    if (isFault(thrown)) peerScore.penalize(neighbour, messageOf(thrown))
    log.debug({ peer: neighbour, reason: messageOf(thrown) }, 'news ended')
  }
}
