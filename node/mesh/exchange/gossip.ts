/**
 * Gossip of small signed heads, certificates and reports, validated before they are forwarded. Documents are fetched
 * over streams.
 */

import { EventEmitter } from 'node:events'
import { type Message, type TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { equalBytes, sha256Hex } from '../../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { certificateKind } from '../../../protocol/members/certificate.ts'
import { gossipTopics, headCodec, type ProtocolNames } from '../../../protocol/messages/messages.ts'
import { isExtendedReport, openReport } from '../../../protocol/report/extended-report.ts'
import { ReportError } from '../../../protocol/report/report.ts'
import { readEnvelope } from '../../../protocol/signing/dsse.ts'
import { MetadataError } from '../../../protocol/trust/metadata.ts'
import { TrustError } from '../../../protocol/trust/trusted-set.ts'
import type { Logger } from '../../process/log.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { gossipRepairMs } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import type { Host } from '../transport/host.ts'
import { connectionTo } from '../transport/open-stream.ts'
import type { Directory } from './directory.ts'
import type { Documents } from './documents.ts'
import type { Equivocation } from './equivocation.ts'
import { ProgressFilter } from './progress-filter.ts'
import type { Refresher } from './refresher.ts'

export class GossipError extends ThymeshError<'too-large'> {}

export interface GossipComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'members'>
  state: FleetState
  directory: Directory
  documents: Documents
  refresher: Refresher
  equivocation: Equivocation
  peerScore: Pick<PeerScore, 'allowRequest'>
  /** Our own site. */
  site: () => string | undefined
  log: Logger
}

const { Accept, Ignore, Reject } = TopicValidatorResult

interface Events {
  /**
   * Our head or report reached nobody: gossipsub ignores repeated messages, and had seen this one before we could forward it; or
   * no neighbour has told its topics yet.
   */
  unheard: []
}

export class Gossip extends EventEmitter<Events> {
  readonly #components: GossipComponents
  readonly #publishHead = () => this.publishHead()
  /** Heads received by gossip that are being fetched: they are forwarded as soon as their documents are here. */
  readonly #validating = new Set<string>()
  readonly #progress = new ProgressFilter({
    isOfOurSite: peer => {
      const { site, directory } = this.#components
      return site() !== undefined && directory.member(peer)?.site === site()
    },
  })
  #timer: NodeJS.Timeout | undefined

  constructor(components: GossipComponents) {
    super()
    this.#components = components
  }

  start(): void {
    const { host, names, state, equivocation } = this.#components
    const { pubsub } = host.services
    pubsub.topicValidators.set(
      names.heads,
      this.#validator((source, message) => this.#judgeHead(source, message.data)),
    )
    for (const topic of [names.reports, names.extendedReports]) {
      pubsub.topicValidators.set(
        topic,
        this.#validator((source, message) => this.#judgeReport(source, message.data, topic)),
      )
    }
    pubsub.topicValidators.set(
      names.members,
      this.#validator((_, message) => this.#judgeCertificate(message.data)),
    )
    for (const topic of gossipTopics(names)) pubsub.subscribe(topic)
    state.on('changed', this.#publishHead)
    // Not accepted, but forwarded, so that every peer learns of it.
    equivocation.on('found', timestamp => {
      void this.#publish(names.heads, headCodec.encode({ root: state.versions.root, timestamp }))
    })
    this.#timer = setInterval(() => this.repair(), gossipRepairMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#components.state.off('changed', this.#publishHead)
  }

  publishHead(): void {
    const { state, names } = this.#components
    if (state.head === undefined) return
    const bytes = headCodec.encode(state.head)
    if (this.#validating.has(sha256Hex(bytes))) return
    void this.#publish(names.heads, bytes).then(this.#unlessHeard)
  }

  publishReport(envelope: Uint8Array): void {
    void this.#publish(this.#topicOf(envelope), envelope)
    this.#tellOlder(envelope)
  }

  /** Our own, which nobody else would bring. */
  publishOwnReport(envelope: Uint8Array): void {
    void this.#publish(this.#topicOf(envelope), envelope).then(this.#unlessHeard)
    this.#tellOlder(envelope)
  }

  readonly #unlessHeard = (recipients: number): void => {
    if (recipients === 0 && this.#components.admission.members.length > 0) this.emit('unheard')
  }

  #topicOf(report: Uint8Array): string {
    const { names } = this.#components
    return isExtendedReport(report) ? names.extendedReports : names.reports
  }

  /** Publishes the report of version 1 that is in one of version 2, if a neighbour of the version before listens. */
  #tellOlder(report: Uint8Array): void {
    const { host, names } = this.#components
    if (!isExtendedReport(report)) return
    const { pubsub } = host.services
    const extended = new Set(pubsub.getSubscribers(names.extendedReports).map(String))
    if (pubsub.getSubscribers(names.reports).every(peer => extended.has(peer.toString()))) return
    void this.#publish(names.reports, openReport(report).plain.envelope)
  }

  publishCertificate(envelope: Uint8Array): void {
    void this.#publish(this.#components.names.members, envelope)
  }

  /**
   * Reopens gossip streams that were lost while a connection to the peer stayed: running identify again makes
   * gossipsub open one.
   */
  repair(): void {
    const { host, admission, log } = this.#components
    for (const { peer } of admission.members) {
      if (host.services.pubsub.streamsOutbound.has(peer.toString())) continue
      const connection = connectionTo(host, peer)
      if (connection === undefined) continue
      host.services.identify.identify(connection).catch(error => {
        log.debug({ peer: peer.toString(), reason: messageOf(error) }, 'identify failed')
      })
    }
  }

  /** Resolves to the number of peers that it was sent to; throws at once if the message is too large. */
  #publish(topic: string, data: Uint8Array): Promise<number> {
    const { host, log } = this.#components
    // An oversized message would end the receiver's gossip stream for good.
    if (data.length > limits.gossipMessage) {
      throw new GossipError(
        'too-large',
        `expected a gossip message of at most ${limits.gossipMessage} bytes, got ${data.length}`,
      )
    }
    return host.services.pubsub.publish(topic, data).then(
      ({ recipients }) => recipients.length,
      error => {
        log.debug({ topic, reason: messageOf(error) }, 'publishing failed')
        return 0
      },
    )
  }

  #validator(validate: (source: PeerId, message: Message) => Promise<TopicValidatorResult>): TopicValidatorFn {
    return async (source, message) => {
      try {
        if (!this.#components.peerScore.allowRequest(source.toString(), 'gossip')) return Ignore
        return await validate(source, message)
      } catch (thrown) {
        const reason = messageOf(thrown)
        this.#components.log.debug({ peer: source.toString(), reason }, 'a gossip message was dropped')
        return isForged(thrown) ? Reject : Ignore
      }
    }
  }

  /**
   * Fetches the metadata from the sender before the head is forwarded, so that any peer that receives a head from us
   * can fetch it from us.
   */
  async #judgeHead(source: PeerId, data: Uint8Array): Promise<TopicValidatorResult> {
    const { state, refresher, equivocation } = this.#components
    const head = headCodec.decode(data)
    // A peer that doesn't know the new root yet forwards what the old keys signed: late, not forged.
    if (head.root < state.versions.root) return Ignore
    try {
      if (refresher.compareHead(head) === 'known') return Ignore
    } catch (thrown) {
      if (!isContradiction(thrown)) throw thrown
      // Every peer should learn of an equivocation, so the first contradicting head is forwarded, but not accepted.
      return (await equivocation.examine(head.timestamp, source)) ? Accept : Ignore
    }
    const key = sha256Hex(data)
    this.#validating.add(key)
    try {
      await refresher.refreshFrom(source, head)
    } finally {
      this.#validating.delete(key)
    }
    return state.head !== undefined && equalBytes(headCodec.encode(state.head), data) ? Accept : Ignore
  }

  async #judgeCertificate(data: Uint8Array): Promise<TopicValidatorResult> {
    const { directory } = this.#components
    const { peer } = readEnvelope(certificateKind, data).document
    return (await directory.addCertificate(peer, data)) === 'new' ? Accept : Ignore
  }

  async #judgeReport(source: PeerId, data: Uint8Array, topic: string): Promise<TopicValidatorResult> {
    const { directory, documents, state, log } = this.#components
    if (this.#topicOf(data) !== topic) throw new FormatError('malformed', `expected a report of ${topic}, got another`)
    const report = openReport(data).document
    const { peer } = report
    const before = directory.report(peer)?.document
    let outcome = await directory.addReport(data)
    if (outcome === 'unknown-member') {
      if (state.accepted?.authority.revoked.has(peer)) return Ignore
      const certificate = await documents.ask(source, { certificate: peer }, limits.envelope)
      if (certificate === undefined) return Ignore
      try {
        await directory.addCertificate(peer, certificate)
      } catch (thrown) {
        // The signing keys may be unknown to us yet, or revoked since; the forwarder may not know.
        log.debug({ peer, reason: messageOf(thrown) }, 'the certificate of a reporting peer was not taken')
        return Ignore
      }
      outcome = await directory.addReport(data)
    }
    if (outcome !== 'new' || !this.#progress.passes(report, before)) return Ignore
    this.#tellOlder(data)
    return Accept
  }
}

/** Whether the received and the trusted metadata can't both be honest. */
export function isContradiction(thrown: unknown): boolean {
  return thrown instanceof TrustError && thrown.code === 'wrong-hash'
}

/** Whether an honest peer would never have forwarded this. An old head or an unknown member may be just bad timing. */
function isForged(thrown: unknown): boolean {
  if (thrown instanceof FormatError || thrown instanceof MetadataError || thrown instanceof ReportError) return true
  return thrown instanceof TrustError && thrown.code === 'not-signed'
}
