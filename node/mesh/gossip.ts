/** Gossip: small signed heads and reports, validated before they are passed on. Bodies are fetched over streams. */

import { type Message, type TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { FormatError } from '../../protocol/cbor.ts'
import { open } from '../../protocol/dsse.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { MembershipError } from '../../protocol/membership.ts'
import { type Head, headCodec, type ProtocolNames } from '../../protocol/messages.ts'
import { ReportError, reportKind } from '../../protocol/report.ts'
import { MetadataError } from '../../protocol/trust/metadata.ts'
import { TrustError, updateTimestamp } from '../../protocol/trust/trusted-set.ts'
import type { Logger } from '../log.ts'
import type { Clock } from '../state/clock.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { Directory } from './directory.ts'
import type { Documents } from './documents.ts'
import type { Host } from './host.ts'
import type { Refresher } from './refresher.ts'

export interface GossipComponents {
  host: Host
  names: ProtocolNames
  state: FleetState
  directory: Directory
  documents: Documents
  refresher: Refresher
  clock: Clock
  log: Logger
}

const { Accept, Ignore, Reject } = TopicValidatorResult

export class Gossip {
  readonly #components: GossipComponents
  readonly #publishHead = () => this.publishHead()

  constructor(components: GossipComponents) {
    this.#components = components
  }

  start(): void {
    const { host, names, state } = this.#components
    const { pubsub } = host.services
    pubsub.topicValidators.set(
      names.heads,
      this.#validator((source, message) => this.#judgeHead(source, message.data)),
    )
    pubsub.topicValidators.set(
      names.reports,
      this.#validator((source, message) => this.#judgeReport(source, message.data)),
    )
    pubsub.subscribe(names.heads)
    pubsub.subscribe(names.reports)
    state.on('changed', this.#publishHead)
  }

  stop(): void {
    this.#components.state.off('changed', this.#publishHead)
  }

  publishHead(): void {
    const { state, names } = this.#components
    if (state.head !== undefined) void this.#publish(names.heads, headCodec.encode(state.head))
  }

  publishReport(envelope: Uint8Array): void {
    void this.#publish(this.#components.names.reports, envelope)
  }

  async #publish(topic: string, data: Uint8Array): Promise<void> {
    const { host, log } = this.#components
    // An over-long message would end the receiver's gossip stream for good.
    if (data.length > limits.gossipMessage) throw new RangeError(`a gossip message of ${data.length} bytes`)
    await host.services.pubsub
      .publish(topic, data)
      .catch(error => log.debug({ topic, reason: messageOf(error) }, 'publishing failed'))
  }

  #validator(judge: (source: PeerId, message: Message) => Promise<TopicValidatorResult>): TopicValidatorFn {
    return async (source, message) => {
      try {
        return await judge(source, message)
      } catch (thrown) {
        this.#components.log.debug(
          { peer: source.toString(), reason: messageOf(thrown) },
          'a gossip message was dropped',
        )
        return isForged(thrown) ? Reject : Ignore
      }
    }
  }

  /** Newer and signed as our root asks: passed on at once, then fetched from who brought it. */
  async #judgeHead(source: PeerId, data: Uint8Array): Promise<TopicValidatorResult> {
    const { state, refresher, clock } = this.#components
    const head: Head = headCodec.decode(data)
    const { trusted } = state
    if (trusted === undefined || head.root > trusted.root.signed.version) {
      // It can't be judged before the new root is here. After the refresh we publish it ourselves.
      void refresher.from(source)
      return Ignore
    }
    const next = updateTimestamp(trusted, head.timestamp, clock.reference)
    if (next.timestamp === trusted.timestamp) return Ignore
    void refresher.from(source)
    return Accept
  }

  async #judgeReport(source: PeerId, data: Uint8Array): Promise<TopicValidatorResult> {
    const { directory, documents } = this.#components
    let outcome = await directory.addReport(data)
    if (outcome === 'unknown-member') {
      const { peer } = open(reportKind, data).document
      const certificate = await documents.ask(source, { certificate: peer }, limits.envelope)
      if (certificate === undefined) return Ignore
      await directory.addCertificate(peer, certificate)
      outcome = await directory.addReport(data)
    }
    return outcome === 'new' ? Accept : Ignore
  }
}

/** Whether an honest peer would never have passed this on. An old head or an unknown member may be its bad luck. */
function isForged(thrown: unknown): boolean {
  if (thrown instanceof FormatError || thrown instanceof MetadataError || thrown instanceof ReportError) return true
  if (thrown instanceof MembershipError) return thrown.code !== 'expired' && thrown.code !== 'revoked'
  return thrown instanceof TrustError && thrown.code === 'not-signed'
}
