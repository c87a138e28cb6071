/**
 * Sync exchanges what gossip missed: on every new connection each side states what it holds and sends what the other
 * lacks. Syncs take turns, so that much news comes from one neighbour, and the next one sends what that one left.
 */

import { EventEmitter } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PeerId, Stream } from '@libp2p/interface'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { type Head, type ProtocolNames, type SyncContent, syncProtocols } from '../../../protocol/messages/messages.ts'
import { isExtendedReport, openReport } from '../../../protocol/report/extended-report.ts'
import { type Turn, Turns } from '../../concurrency/turns.ts'
import type { Logger } from '../../process/log.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import {
  refusedItems,
  strayingSyncs,
  syncAnswerTurnMs,
  syncStallMs,
  syncTimeoutMs,
  syncTurnMs,
  waitingItems,
} from '../limits.ts'
import type { AddressBook } from '../peers/address-book.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'
import { AnswerShares, type Share } from './answer-shares.ts'
import { arrivals } from './arrivals.ts'
import { Comparison, isByRanges, isPlain, type LackingOf } from './comparison.ts'
import type { Directory } from './directory.ts'
import type { Equivocation } from './equivocation.ts'
import { type Gossip, isContradiction } from './gossip.ts'
import type { News } from './news.ts'
import { type ReportForm, reportIn } from './own-digest.ts'
import type { OwnHoldings } from './own-holdings.ts'
import type { Refresher } from './refresher.ts'
import { resyncPauseMs } from './resync-pace.ts'
import { batchedItems, type SyncItems, singleItems } from './sync-items.ts'
import { SyncNews } from './sync-news.ts'

export interface SyncComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  state: FleetState
  directory: Directory
  addresses: AddressBook
  refresher: Refresher
  holdings: OwnHoldings
  gossip: Gossip
  news: Pick<News, 'flush' | 'neighbours' | 'spread'>
  equivocation: Pick<Equivocation, 'examine'>
  peerScore: Pick<PeerScore, 'allowRequest' | 'penalize'>
  log: Logger
}

interface Events {
  /** Both sides have all items that either had. */
  synced: [PeerId]
}

/** An exchange: its turn here, the share of the peer that began it, and the reports that it carries. */
interface Exchange {
  readonly turn: Turn
  readonly share: Share | undefined
  readonly form: ReportForm
}

export class Sync extends EventEmitter<Events> {
  readonly #components: SyncComponents
  readonly #stop = new AbortController()
  readonly #running = new Set<string>()
  /** Of those, the ones that are done once more: what they compared has changed since. */
  readonly #again = new Set<string>()
  /** Addresses that were sent to each connected peer. */
  readonly #told = new Map<string, Set<string>>()
  readonly #turns = new Turns({ stallMs: syncStallMs })
  readonly #comparison: Comparison
  readonly #shares = new AnswerShares()
  /** Bytes that comparing has cost since the last repeated sync. */
  #comparedBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(components: SyncComponents) {
    super()
    this.#components = components
    this.#comparison = new Comparison(components)
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    for (const protocol of syncProtocols(names)) {
      admission.gate(protocol)
      await host.handle(protocol, (stream, connection) => this.#answer(stream, connection.remotePeer), {
        maxInboundStreams: 2,
      })
    }
    // One sync is enough, so only the peer with the lower ID starts it.
    admission.on('admitted', ({ peer }) => {
      this.#told.delete(peer.toString())
      if (host.peerId.toString() < peer.toString()) void this.syncWith(peer)
    })
    this.#comparison.start()
    this.#repeat()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#comparison.stop()
    this.#stop.abort(new Error('the peer stops'))
    const { host, names } = this.#components
    await host.unhandle(syncProtocols(names))
  }

  /** Synchronises with a random neighbour now and then, the less often the more the last ones cost to compare. */
  #repeat(): void {
    const pauseMs = resyncPauseMs(this.#comparedBytes)
    this.#comparedBytes = 0
    this.#timer = setTimeout(() => {
      const peer = this.#oneToRepeatWith()
      void (peer && this.syncWith(peer))
      this.#repeat()
    }, pauseMs)
  }

  /**
   * Mostly a neighbour with which news are exchanged: with it there is no difference but what gossip has lost, where others may
   * be a minute ahead or behind.
   */
  #oneToRepeatWith(): PeerId | undefined {
    const { news, admission } = this.#components
    const near = Math.random() * strayingSyncs < 1 ? [] : news.neighbours
    const peers = near.length > 0 ? near : admission.members.map(({ peer }) => peer)
    return peers[Math.floor(Math.random() * peers.length)]
  }

  /**
   * Synchronises with one member; returns at once if that is under way already, which then is done once more if there is news
   * (`again`). Never rejects.
   */
  async syncWith(peer: PeerId, { again = false } = {}): Promise<void> {
    const key = peer.toString()
    if (this.#running.has(key)) {
      if (again) this.#again.add(key)
      return
    }
    this.#running.add(key)
    await this.#syncOnce(peer)
    if (this.#again.delete(key)) await this.#syncOnce(peer)
    this.#running.delete(key)
  }

  async #syncOnce(peer: PeerId): Promise<void> {
    const { host, names, news } = this.#components
    try {
      await news.flush(peer)
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTurnMs + syncTimeoutMs)])
      const turn = await this.#turns.take(syncTurnMs, signal)
      try {
        await this.#exchange(await openStream(host, peer, syncProtocols(names), signal), peer, signal, { turn })
      } finally {
        turn.end()
      }
    } catch (thrown) {
      this.#failed(peer, thrown)
    }
  }

  async #answer(stream: Stream, peer: PeerId): Promise<void> {
    const { peerScore, admission } = this.#components
    const allowed = peerScore.allowRequest(peer.toString(), 'sync')
    const share = allowed ? this.#shares.enter(admission.subjectOf(peer), reason => stream.abort(reason)) : undefined
    if (share === undefined) {
      stream.abort(new Error('too many syncs'))
      return
    }
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncAnswerTurnMs + syncTimeoutMs)])
      await this.#exchange(stream, peer, signal, { share })
    } catch (thrown) {
      this.#failed(peer, thrown)
    } finally {
      share.leave()
    }
  }

  #failed(peer: PeerId, thrown: unknown): void {
    if (thrown instanceof FormatError) this.#components.peerScore.penalize(peer.toString(), messageOf(thrown))
    this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'sync failed')
  }

  /** Exchanges what either side lacks. An answer takes its turn here, since its stream is open already. */
  async #exchange(
    stream: Stream,
    peer: PeerId,
    signal: AbortSignal,
    by: { turn: Turn } | { share: Share },
  ): Promise<void> {
    const share = 'share' in by ? by.share : undefined
    const { names, gossip, news: told } = this.#components
    const { protocol } = stream
    const form: ReportForm = isPlain(names, protocol) ? 'plain' : 'all'
    const news = new SyncNews({
      certificate: envelope => gossip.publishCertificate(envelope),
      report: (envelope, before) => told.spread(envelope, before, peer.toString()),
    })
    const head = await withChannel(stream, signal, async channel => {
      const turn = 'turn' in by ? by.turn : await this.#turns.take(syncAnswerTurnMs, signal)
      const pace: Exchange = { turn, share, form }
      channel.onReceived = arrivals(turn)
      try {
        const account = this.#account(share)
        const spent = (bytes: number) => {
          // Each turn of comparing brings both sides on, and there are few.
          turn.progress()
          account(bytes)
        }
        const manner = { protocol, speaksSecond: share === undefined, spent }
        const { head, lacking } = await this.#comparison.run(channel, manner)
        const items = isByRanges(names, protocol) ? batchedItems(channel) : singleItems(channel)
        await Promise.all([this.#send(items, lacking, peer, pace), this.#receive(items, peer, pace, news)])
        return head
      } finally {
        turn.end()
      }
    }).finally(() => this.#spread(news, peer))
    if (head !== undefined && (await this.#isNews(head, peer))) await this.#components.refresher.refreshFrom(peer, head)
    if (!signal.aborted) this.emit('synced', peer)
  }

  /** Counts what comparing costs: for the pace of repeated syncs, and for the share of who asked. */
  #account(share: Share | undefined): (bytes: number) => void {
    let before = 0
    return bytes => {
      this.#comparedBytes += bytes - before
      share?.sent((bytes - before) / 2)
      before = bytes
    }
  }

  #spread(news: SyncNews, from: PeerId): void {
    const others = this.#components.admission.members.filter(({ peer }) => !peer.equals(from))
    if (others.length === 0 || this.#stop.signal.aborted) return
    news.spread(() => {
      for (const { peer } of others) void this.syncWith(peer)
    })
  }

  async #isNews(head: Head, peer: PeerId): Promise<boolean> {
    try {
      return this.#components.refresher.compareHead(head) !== 'known'
    } catch (thrown) {
      if (isContradiction(thrown)) await this.#components.equivocation.examine(head.timestamp, peer)
      // Older than ours, or without our root's signatures: nothing to fetch.
      return false
    }
  }

  /** Whether a connected peer hasn't received this yet: most of a repeated sync is nothing new. */
  #isNewTo(peer: PeerId, what: string): boolean {
    const told = this.#told.get(peer.toString()) ?? new Set()
    this.#told.set(peer.toString(), told)
    return told.size !== told.add(what).size
  }

  async #send(items: SyncItems, lacking: Iterable<LackingOf>, to: PeerId, pace: Exchange): Promise<void> {
    const { directory, admission, addresses } = this.#components
    const { turn, share, form } = pace
    const send = async (item: SyncContent, bytes: number) => {
      await items.send(item)
      turn.progress()
      share?.sent(bytes)
    }
    for (const lacks of lacking) {
      const { peer } = lacks
      const certificate = lacks.certificate ? directory.certificate(peer)?.envelope : undefined
      if (certificate !== undefined) await send({ certificate, peer }, certificate.length)
      const report = lacks.report ? reportIn(form, directory.report(peer)) : undefined
      if (report !== undefined) await send({ report }, report.length)
    }
    for (const { peer } of admission.members.slice(0, 32)) {
      const known = addresses.addresses(peer.toString())
      if (known.length > 0 && this.#isNewTo(to, `${peer} ${known}`)) {
        await items.send({ addresses: [...known], peer: peer.toString() })
      }
    }
    await items.end()
  }

  /** What waits for the pace of its author holds up nothing else, within a bound. */
  async #receive(items: SyncItems, from: PeerId, pace: Exchange, news: SyncNews): Promise<void> {
    const { log } = this.#components
    const { share } = pace
    const adding = new Set<Promise<void>>()
    let refused = 0
    const onRefused = (thrown: unknown) => {
      refused++
      log.debug({ peer: from.toString(), reason: messageOf(thrown) }, 'an item of sync was rejected')
    }
    for (let received = 0; received < 3 * limits.members; ) {
      const batch = await items.receive()
      share?.sent(0)
      if (batch === undefined) return
      received += batch.length
      for (const item of batch) {
        if (refused > refusedItems) throw new FormatError('malformed', `expected at most ${refusedItems} invalid items`)
        if (adding.size >= waitingItems) await Promise.race(adding)
        const added = this.#add(item, pace, news)
          .catch(onRefused)
          .finally(() => adding.delete(added))
        adding.add(added)
        await Promise.race([added, nextTurn()])
      }
    }
  }

  async #add(item: SyncContent, { turn, form }: Exchange, news: SyncNews): Promise<void> {
    const { directory, addresses, host } = this.#components
    if ('certificate' in item) {
      if ((await directory.addCertificate(item.peer, item.certificate)) !== 'new') return
      turn.progress()
      news.addCertificate(item.certificate)
    } else if ('report' in item) {
      if (form === 'plain' && isExtendedReport(item.report))
        throw new FormatError('malformed', 'expected a report of version 1, got one of version 2')
      const before = directory.report(openReport(item.report).document.peer)
      if ((await directory.addReport(item.report)) !== 'new') return
      turn.progress()
      news.addReport(item.report, before)
    } else if (item.peer !== host.peerId.toString() && directory.member(item.peer) !== undefined) {
      // An address that has worked takes precedence over one that a neighbour sends.
      if (addresses.addresses(item.peer).length === 0) await addresses.addAnnounced(item.peer, item.addresses)
    }
  }
}
