/**
 * Exchanges proposals between peers on every new connection and after every change: each side sends what the other
 * lacks. Devices carry them too, so that operators who are never online together can sign one.
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
import type { Member } from '../peers/newest-certificate.ts'
import type { PeerScore } from '../peers/peer-score.ts'
import { type Channel, ChannelError, withChannel } from '../transport/channel.ts'
import type { Host } from '../transport/host.ts'
import { openStream } from '../transport/open-stream.ts'
import { AnswerShares, type Share } from './answer-shares.ts'

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
  readonly #shares = new AnswerShares()
  readonly #stop = new AbortController()
  /** Running exchanges; `true` if something has changed since one began. */
  readonly #running = new Map<string, boolean>()
  readonly #spread = () => {
    for (const { peer } of this.#components.admission.members) void this.exchangeWith(peer)
  }
  /** A closed proposal only tells operators who signed it: their controllers hear of it at once, others by and by. */
  readonly #spreadClosed = () => {
    const isController = ({ certificate }: Member) => certificate.role === 'controller'
    const { members } = this.#components.admission
    const carriers = members.filter(each => !isController(each))
    const carrier = carriers[Math.floor(Math.random() * carriers.length)]
    for (const { peer } of [...members.filter(isController), ...(carrier ? [carrier] : [])])
      void this.exchangeWith(peer)
  }
  /** Members with proposals based on metadata that we didn't have yet: they are asked again once we have it. */
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
    // One exchange is enough, so only the peer with the lower ID starts it.
    admission.on('admitted', ({ peer }) => {
      if (host.peerId.toString() < peer.toString()) void this.exchangeWith(peer)
    })
    book.on('changed', this.#spread)
    book.on('closed', this.#spreadClosed)
    this.#components.state.on('changed', this.#catchUp)
    // Repeats exchanges in case a stream was lost.
    this.#timer = setInterval(() => {
      const { members } = admission
      const member = members[Math.floor(Math.random() * members.length)]
      if (member !== undefined && book.hashes.length > 0) void this.exchangeWith(member.peer)
    }, resyncIntervalMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.book.off('changed', this.#spread)
    this.book.off('closed', this.#spreadClosed)
    this.#components.state.off('changed', this.#catchUp)
    this.#stop.abort(new Error('the peer stops'))
    await this.#components.host.unhandle(this.#components.names.proposals)
  }

  /**
   * Exchanges proposals with one member, and once more if something changes meanwhile. Resolves to whether both sides
   * now have all; to false at once if an exchange is running already. Never rejects.
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
    // A peer that requests this repeatedly would receive all proposals each time.
    const { peerScore, admission } = this.#components
    const allowed = peerScore.allowRequest(peer.toString(), 'proposals')
    const share = allowed ? this.#shares.enter(admission.subjectOf(peer), reason => stream.abort(reason)) : undefined
    if (share === undefined) {
      stream.abort(new Error('too many exchanges of proposals'))
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
    const tooLarge = thrown instanceof ChannelError && thrown.code === 'too-large'
    // A proposal without the required signatures may be based on a root that we don't have yet, so it isn't
    // penalised.
    if (tooLarge || thrown instanceof FormatError)
      this.#components.peerScore.penalize(peer.toString(), messageOf(thrown))
    this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'exchanging proposals failed')
  }

  async #exchange(stream: Stream, peer: PeerId, signal: AbortSignal, share?: Share): Promise<void> {
    const { book } = this
    await withChannel(stream, signal, async channel => {
      await channel.send(proposalDigestCodec, { held: book.hashes })
      const { held } = await channel.receive(proposalDigestCodec)
      await Promise.all([this.#send(channel, book.without(held), share), this.#receive(channel, peer, share)])
    })
  }

  async #send(channel: Channel, proposals: readonly Uint8Array[], share?: Share): Promise<void> {
    await channel.send(proposalCountCodec, { count: proposals.length })
    for (const bytes of proposals) {
      await channel.send(proposalCodec, proposalCodec.decode(bytes))
      share?.sent(bytes.length)
    }
  }

  /** An invalid proposal ends the exchange, so a peer can send at most one forged one. */
  async #receive(channel: Channel, peer: PeerId, share?: Share): Promise<void> {
    const { log } = this.#components
    const { count } = await channel.receive(proposalCountCodec)
    for (let at = 0; at < count; at++) {
      const proposal = await channel.receive(proposalCodec)
      share?.sent(0)
      try {
        if (await this.book.add(proposal)) {
          log.info(
            { from: peer.toString(), operator: proposal.operator },
            'a proposal was received, or has gained signatures',
          )
        }
      } catch (thrown) {
        if (!(thrown instanceof ProposalError && thrown.code === 'stale')) throw thrown
        this.#ahead.set(peer.toString(), peer)
      }
    }
  }
}
