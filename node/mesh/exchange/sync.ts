/**
 * Sync exchanges what gossip missed: on every new connection each side states what it holds and sends what the other
 * lacks.
 */

import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { PeerId, Stream } from '@libp2p/interface'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { certificateRank } from '../../../protocol/members/certificate.ts'
import {
  digestCodec,
  type Head,
  type ProtocolNames,
  type SyncDigest,
  type SyncItem,
  summaryCodec,
  syncItemCodec,
  syncProtocols,
} from '../../../protocol/messages/messages.ts'
import { isExtendedReport, type OpenedReport } from '../../../protocol/report/extended-report.ts'
import type { Logger } from '../../process/log.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { refusedItems, resyncIntervalMs, syncTimeoutMs, waitingItems } from '../limits.ts'
import type { AddressBook } from '../peers/address-book.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { type Channel, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'
import { AnswerShares, type Share } from './answer-shares.ts'
import type { Directory } from './directory.ts'
import type { Equivocation } from './equivocation.ts'
import { type Gossip, isContradiction } from './gossip.ts'
import type { Refresher } from './refresher.ts'

export interface SyncComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  state: FleetState
  directory: Directory
  addresses: AddressBook
  refresher: Refresher
  gossip: Gossip
  equivocation: Pick<Equivocation, 'examine'>
  peerScore: Pick<PeerScore, 'allowRequest' | 'penalize'>
  log: Logger
}

/** The reports that a version of sync carries: those of version 1, or all. */
type ReportForm = 'plain' | 'all'

function reportIn(form: ReportForm, known: OpenedReport | undefined) {
  return form === 'plain' ? known?.plain : known && { counter: known.document.counter, envelope: known.envelope }
}

interface Events {
  /** Both sides have all items that either had. */
  synced: [PeerId]
}

export class Sync extends EventEmitter<Events> {
  readonly #components: SyncComponents
  readonly #stop = new AbortController()
  readonly #running = new Set<string>()
  /** Addresses that were sent to each connected peer. */
  readonly #told = new Map<string, Set<string>>()
  readonly #shares = new AnswerShares()
  #timer: NodeJS.Timeout | undefined

  constructor(components: SyncComponents) {
    super()
    this.#components = components
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
    this.#timer = setInterval(() => {
      const { members } = admission
      const member = members[Math.floor(Math.random() * members.length)]
      if (member !== undefined) void this.syncWith(member.peer)
    }, resyncIntervalMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the peer stops'))
    const { host, names } = this.#components
    await host.unhandle(syncProtocols(names))
  }

  /** Synchronises with one member; returns at once if that is under way already. Never rejects. */
  async syncWith(peer: PeerId): Promise<void> {
    const { host, names } = this.#components
    const key = peer.toString()
    if (this.#running.has(key)) return
    this.#running.add(key)
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTimeoutMs)])
      await this.#exchange(await openStream(host, peer, syncProtocols(names), signal), peer, signal)
    } catch (thrown) {
      this.#failed(peer, thrown)
    } finally {
      this.#running.delete(key)
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
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTimeoutMs)])
      await this.#exchange(stream, peer, signal, share)
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

  async #exchange(stream: Stream, peer: PeerId, signal: AbortSignal, share?: Share): Promise<void> {
    const head = await withChannel(stream, signal, async channel => {
      const { sync, plainSync } = this.#components.names
      const form = stream.protocol === sync ? 'all' : 'plain'
      const theirs = await this.#compare(channel, this.#digest(form), stream.protocol !== plainSync)
      await Promise.all([this.#send(channel, theirs, peer, form, share), this.#receive(channel, peer, form, share)])
      return theirs.head
    })
    if (head !== undefined && (await this.#isNews(head, peer))) await this.#components.refresher.refreshFrom(peer, head)
    if (!signal.aborted) this.emit('synced', peer)
  }

  /** Exchanges digests. Between peers that met before they are mostly equal, so their hashes are compared first. */
  async #compare(channel: Channel, ours: SyncDigest, summarised: boolean): Promise<SyncDigest> {
    if (summarised) {
      const summary = { digest: sha256(digestCodec.encode(ours)) }
      await channel.send(summaryCodec, summary)
      if (equalBytes((await channel.receive(summaryCodec)).digest, summary.digest)) return ours
    }
    await channel.send(digestCodec, ours)
    return await channel.receive(digestCodec)
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

  #digest(form: ReportForm): SyncDigest {
    const { directory, state } = this.#components
    const members = directory
      .certificates()
      .map(certificate => ({
        peer: certificate.peer,
        issued: certificateRank(certificate),
        report: reportIn(form, directory.report(certificate.peer))?.counter ?? 0,
      }))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
    return { ...(state.head && { head: state.head }), members }
  }

  /** Whether a connected peer hasn't received this yet: most of a repeated sync is nothing new. */
  #isNewTo(peer: PeerId, what: string): boolean {
    const told = this.#told.get(peer.toString()) ?? new Set()
    this.#told.set(peer.toString(), told)
    return told.size !== told.add(what).size
  }

  async #send(channel: Channel, theirs: SyncDigest, to: PeerId, form: ReportForm, share?: Share): Promise<void> {
    const { directory, admission, addresses } = this.#components
    const held = new Map(theirs.members.map(member => [member.peer, member]))
    for (const each of directory.certificates()) {
      const { peer } = each
      const issued = certificateRank(each)
      const known = held.get(peer)
      const certificate = directory.certificate(peer)?.envelope
      if (certificate !== undefined && (known === undefined || known.issued < issued)) {
        await channel.send(syncItemCodec, { certificate, peer })
        share?.sent(certificate.length)
      }
      const report = reportIn(form, directory.report(peer))
      if (report !== undefined && report.counter > (known?.report ?? 0)) {
        await channel.send(syncItemCodec, { report: report.envelope })
        share?.sent(report.envelope.length)
      }
    }
    for (const { peer } of admission.members.slice(0, 32)) {
      const known = addresses.addresses(peer.toString())
      if (known.length > 0 && this.#isNewTo(to, `${peer} ${known}`)) {
        await channel.send(syncItemCodec, { addresses: [...known], peer: peer.toString() })
      }
    }
    await channel.send(syncItemCodec, { end: true })
  }

  /** What waits for the pace of its author holds up nothing else, within a bound. */
  async #receive(channel: Channel, from: PeerId, form: ReportForm, share?: Share): Promise<void> {
    const { log } = this.#components
    const adding = new Set<Promise<void>>()
    let refused = 0
    const onRefused = (thrown: unknown) => {
      refused++
      log.debug({ peer: from.toString(), reason: messageOf(thrown) }, 'an item of sync was rejected')
    }
    for (let items = 0; items < 3 * limits.members; items++) {
      const item = await channel.receive(syncItemCodec)
      share?.sent(0)
      if ('end' in item) return
      if (refused > refusedItems) throw new FormatError('malformed', `expected at most ${refusedItems} invalid items`)
      if (adding.size >= waitingItems) await Promise.race(adding)
      const added = this.#add(item, form)
        .catch(onRefused)
        .finally(() => adding.delete(added))
      adding.add(added)
      await Promise.race([added, turn()])
    }
  }

  async #add(item: Exclude<SyncItem, { end: true }>, form: ReportForm): Promise<void> {
    const { directory, addresses, gossip, host } = this.#components
    if ('certificate' in item) {
      const outcome = await directory.addCertificate(item.peer, item.certificate)
      if (outcome === 'new') gossip.publishCertificate(item.certificate)
    } else if ('report' in item) {
      if (form === 'plain' && isExtendedReport(item.report))
        throw new FormatError('malformed', 'expected a report of version 1, got one of version 2')
      // Reports from a visiting peer are new to our neighbours too.
      if ((await directory.addReport(item.report)) === 'new') gossip.publishReport(item.report)
    } else if (item.peer !== host.peerId.toString() && directory.certificate(item.peer) !== undefined) {
      // An address that has worked takes precedence over one that a neighbour sends.
      if (addresses.addresses(item.peer).length === 0) await addresses.addAnnounced(item.peer, item.addresses)
    }
  }
}
