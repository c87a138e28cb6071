/**
 * How proposals travel: on every new connection, and whenever one has changed, two peers tell each other what they hold and
 * send what the other lacks. Devices carry them too, so that operators who are never online together can sign one.
 */

import type { PeerId, Stream } from '@libp2p/interface'
import { FormatError } from '../../../protocol/encoding/cbor.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { ProtocolNames } from '../../../protocol/messages/messages.ts'
import { proposalCodec, proposalCountCodec, proposalDigestCodec } from '../../../protocol/trust/proposal.ts'
import { ProposalError } from '../../../protocol/trust/proposals.ts'
import type { Logger } from '../../process/log.ts'
import type { Table } from '../../state/database.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { ProposalBook } from '../../state/proposal-book.ts'
import { resyncIntervalMs, syncTimeoutMs } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { type Channel, ChannelError, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'

export interface ProposalsComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  state: FleetState
  table: Table
  peerScore: Pick<PeerScore, 'allowRequest' | 'penalize'>
  log: Logger
}

export class Proposals {
  readonly book: ProposalBook
  readonly #components: ProposalsComponents
  readonly #stop = new AbortController()
  /** Exchanges under way; `true` where something has changed since one began. */
  readonly #running = new Map<string, boolean>()
  readonly #spread = () => {
    for (const { peer } of this.#components.admission.members) void this.exchangeWith(peer)
  }
  /** Members who had proposals that stand on metadata which we hadn't yet: asked again when we have. */
  readonly #ahead = new Map<string, PeerId>()
  readonly #catchUp = () => {
    const peers = [...this.#ahead.values()]
    this.#ahead.clear()
    for (const peer of peers) void this.exchangeWith(peer)
  }
  #timer: NodeJS.Timeout | undefined

  constructor(components: ProposalsComponents) {
    this.#components = components
    this.book = new ProposalBook(components)
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    const { book } = this
    await book.load()
    admission.gate(names.proposals)
    await host.handle(names.proposals, (stream, { remotePeer }) => this.#answer(stream, remotePeer), {
      maxInboundStreams: 2,
    })
    // One side is enough, and the lower ID's, so that both don't.
    admission.on('admitted', ({ peer }) => {
      if (host.peerId.toString() < peer.toString()) void this.exchangeWith(peer)
    })
    book.on('changed', this.#spread)
    this.#components.state.on('changed', this.#catchUp)
    // What a lost stream has kept from either.
    this.#timer = setInterval(() => {
      const { members } = admission
      const member = members[Math.floor(Math.random() * members.length)]
      if (member !== undefined && book.hashes.length > 0) void this.exchangeWith(member.peer)
    }, resyncIntervalMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.book.off('changed', this.#spread)
    this.#components.state.off('changed', this.#catchUp)
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.proposals)
  }

  /**
   * Exchanges with one member; once more if something changes meanwhile. Resolves to whether both have now what either held;
   * at once to false if an exchange is under way already. Never rejects.
   */
  async exchangeWith(peer: PeerId): Promise<boolean> {
    const key = peer.toString()
    if (this.#running.has(key)) {
      this.#running.set(key, true)
      return false
    }
    let done = false
    do {
      this.#running.set(key, false)
      done = false
      try {
        const { host, names } = this.#components
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTimeoutMs)])
        await this.#exchange(await openStream(host, peer, names.proposals, signal), peer, signal)
        done = true
      } catch (thrown) {
        this.#failed(peer, thrown)
      }
    } while (this.#running.get(key) === true && !this.#stop.signal.aborted)
    this.#running.delete(key)
    return done
  }

  async #answer(stream: Stream, peer: PeerId): Promise<void> {
    // Who asks again and again would be sent all that is held again and again.
    if (!this.#components.peerScore.allowRequest(peer.toString(), 'proposals')) {
      stream.abort(new Error('too many exchanges of proposals'))
      return
    }
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(syncTimeoutMs)])
      await this.#exchange(stream, peer, signal)
    } catch (thrown) {
      this.#failed(peer, thrown)
    }
  }

  #failed(peer: PeerId, thrown: unknown): void {
    const tooLarge = thrown instanceof ChannelError && thrown.code === 'too-large'
    // One that isn't signed as we ask may stand on a root that we don't have yet: no fault.
    if (tooLarge || thrown instanceof FormatError)
      this.#components.peerScore.penalize(peer.toString(), messageOf(thrown))
    this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'exchanging proposals failed')
  }

  async #exchange(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<void> {
    const { book } = this
    await withChannel(stream, signal, async channel => {
      await channel.send(proposalDigestCodec, { held: book.hashes })
      const { held } = await channel.receive(proposalDigestCodec)
      await Promise.all([this.#send(channel, book.without(held)), this.#receive(channel, peer)])
    })
  }

  async #send(channel: Channel, proposals: readonly Uint8Array[]): Promise<void> {
    await channel.send(proposalCountCodec, { count: proposals.length })
    for (const bytes of proposals) await channel.send(proposalCodec, proposalCodec.decode(bytes))
  }

  /** One that is none ends the conversation: so a peer can send at most one that it made up. */
  async #receive(channel: Channel, peer: PeerId): Promise<void> {
    const { log } = this.#components
    const { count } = await channel.receive(proposalCountCodec)
    for (let at = 0; at < count; at++) {
      const proposal = await channel.receive(proposalCodec)
      try {
        if (await this.book.add(proposal)) {
          log.info(
            { from: peer.toString(), operator: proposal.operator },
            'a proposal has come, or has gained signatures',
          )
        }
      } catch (thrown) {
        if (!(thrown instanceof ProposalError && thrown.code === 'stale')) throw thrown
        this.#ahead.set(peer.toString(), peer)
      }
    }
  }
}
