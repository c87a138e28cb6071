/** Admission: nothing but hello is answered until a peer has shown the certificate of a member of this fleet. */

import { EventEmitter } from 'node:events'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { type Certificate, certificateRank } from '../../../protocol/members/certificate.ts'
import { type MembershipAuthority, verifyMember } from '../../../protocol/members/membership.ts'
import {
  type Hello,
  helloCodec,
  type ProtocolNames,
  type Verdict,
  verdictCodec,
} from '../../../protocol/messages/messages.ts'
import type { Logger } from '../../process/log.ts'
import type { Clock } from '../../state/clock.ts'
import { connectionsPerPeer, helloTimeoutMs, refusedPauseMs, revokedPauseMs } from '../limits.ts'
import { withChannel } from '../transport/channel.ts'
import { type Host, serviceProtocols } from '../transport/host.ts'
import { StreamGate } from '../transport/stream-gate.ts'
import { AdmissionDeadlines } from './admission-deadlines.ts'
import type { CloneDetector } from './clone-detector.ts'
import type { PeerScore } from './peer-score.ts'
import { RefusedPeers } from './refused-peers.ts'

export class AdmissionError extends ThymeshError<'no-trust' | 'refused'> {}

/** A peer that was admitted, for as long as it is connected. */
export interface Member {
  readonly peer: PeerId
  readonly certificate: Certificate
  readonly envelope: Uint8Array
}

/** A peer that has admitted us, with what it said of itself; not necessarily admitted by us. */
export interface Greeting {
  readonly peer: PeerId
  readonly hello: Hello
}

interface Events {
  /** Both sides have admitted each other. */
  admitted: [Member]
  left: [Member]
  /** A peer that has admitted us says that it knows newer metadata than we do. */
  newer: [Greeting]
}

export interface AdmissionComponents {
  host: Host
  names: ProtocolNames
  fleet: string
  clock: Clock
  log: Logger
  /** What membership is judged by; nothing before the first metadata was fetched. */
  authority: () => MembershipAuthority | undefined
  /** The certificate of a peer that others have told us of, if it makes its holder a member now. */
  known?: (peer: string) => Omit<Member, 'peer'> | undefined
  clones?: Pick<CloneDetector, 'hello'>
  peerScore?: Pick<PeerScore, 'allowRequest' | 'penalize'>
  /** What we say of ourselves. */
  hello: () => Hello
  /** Peers that we refused lately; the host takes no connection of theirs. */
  refused: RefusedPeers
}

export class Admission extends EventEmitter<Events> {
  readonly #components: AdmissionComponents
  readonly #members = new Map<string, Member>()
  /** Peers that we admitted; they may not have admitted us yet. */
  readonly #admitted = new Map<string, Member>()
  readonly #gate = new StreamGate(peer => this.#admitted.has(peer))
  /** Peers that refused us and have gone since. */
  readonly #refusedBy = new RefusedPeers()
  /** For how long they are left alone then, in milliseconds. */
  readonly #unwelcomeAt = new Map<string, number>()
  readonly #deadlines = new AdmissionDeadlines(connection => this.#late(connection))
  readonly #stop = new AbortController()
  #closed = false

  constructor(components: AdmissionComponents) {
    super()
    this.#components = components
  }

  /** Before the host starts: whoever connects first is met by the gate. */
  async start(): Promise<void> {
    const { host, names } = this.#components
    await host.handle(names.hello, (stream, connection) => this.#answer(stream, connection), {
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      runOnLimitedConnection: true,
    })
    for (const protocol of serviceProtocols(names)) host.use(protocol, this.#gate.middleware('both'))
    host.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    host.addEventListener('connection:close', ({ detail }) => this.#deadlines.forget(detail))
    host.addEventListener('peer:disconnect', ({ detail }) => this.#left(detail))
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    this.#deadlines.stop()
    this.#gate.stop()
    await this.#components.host.unhandle(this.#components.names.hello)
  }

  /** Peers that are admitted on both sides now. */
  get members(): Member[] {
    return [...this.#members.values()]
  }

  member(peer: PeerId): Member | undefined {
    return this.#members.get(peer.toString())
  }

  /** Whether a peer was refused, or refused us, so lately that it is not dialled. */
  isRefused(peerId: string): boolean {
    return this.#components.refused.has(peerId) || this.#refusedBy.has(peerId)
  }

  /** Makes inbound streams of a protocol wait until their peer is admitted; ends those whose peer isn't in time. */
  gate(protocol: string): void {
    this.#components.host.use(protocol, this.#gate.middleware('inbound'))
  }

  /** Takes no peers any more, and lets those go that are here: this peer itself is a member no longer. */
  close(): void {
    this.#closed = true
    for (const { remotePeer } of this.#components.host.getConnections()) this.#refuse(remotePeer)
  }

  /** Drops a peer, and takes no connection of it for a while. */
  drop(peer: string): void {
    const connection = this.#components.host.getConnections().find(({ remotePeer }) => remotePeer.toString() === peer)
    if (connection !== undefined) this.#refuse(connection.remotePeer)
  }

  /** Judges every connected peer again: the keys of the members role, or the revocations, have changed. */
  recheckAll(): void {
    const { host } = this.#components
    this.recheckAdmitted()
    for (const connection of host.getConnections()) {
      const peer = connection.remotePeer.toString()
      if (this.#members.has(peer) || this.#components.refused.has(peer)) continue
      this.#deadlines.expect(connection)
      void this.#greet(connection)
    }
  }

  /** Judges those that are admitted again, or one of them: time has passed, or a new certificate has come. */
  recheckAdmitted(only?: string): void {
    const { log } = this.#components
    for (const [key, member] of [...this.#admitted]) {
      if (only !== undefined && key !== only) continue
      try {
        const verified = { ...member, ...this.#verify(member.envelope, member.peer) }
        this.#admitted.set(key, verified)
        if (this.#members.has(key)) this.#members.set(key, verified)
      } catch (thrown) {
        log.warn({ peer: member.peer.toString(), reason: messageOf(thrown) }, 'a member is one no longer')
        // Not dialled for a while, but not shut out before it has been told why, which the next hello does.
        this.#refusedBy.add(key)
        this.#left(member.peer)
        void this.#components.host.hangUp(member.peer).catch(() => {})
      }
    }
  }

  #opened(connection: Connection): void {
    if (this.#stop.signal.aborted) return
    if (this.#closed) {
      this.#refuse(connection.remotePeer)
      return
    }
    this.#deadlines.expect(connection)
    // Limits on streams count on each connection: a peer has few of those.
    const all = this.#components.host.getConnections(connection.remotePeer)
    const surplus = all.length - connectionsPerPeer
    const oldestFirst = all.toSorted((a, b) => a.timeline.open - b.timeline.open)
    for (const old of oldestFirst.slice(0, Math.max(0, surplus)))
      old.abort(new Error('too many connections of one peer'))
    if (connection.direction === 'outbound') void this.#greet(connection)
  }

  #late(connection: Connection): void {
    const peer = connection.remotePeer
    // Who joins can't judge anyone before its first metadata is here, however long that takes: reconsider() comes then.
    if (this.#admitted.has(peer.toString()) || this.#components.authority() === undefined) return
    this.#components.log.debug({ peer: peer.toString() }, 'a peer was not admitted in time')
    this.#refuse(peer)
  }

  /** Never rejects. */
  async #greet(connection: Connection): Promise<void> {
    try {
      const signal = this.#limit()
      const { names } = this.#components
      const stream = await connection.newStream(names.hello, { signal, runOnLimitedConnection: true })
      await this.#talk(stream, connection, signal, true)
    } catch (thrown) {
      this.#components.log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(thrown) }, 'hello failed')
    }
  }

  /** Never rejects. */
  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    try {
      if (this.#components.peerScore?.allowRequest(peer, 'hello') === false) {
        this.#components.peerScore.penalize(peer, 'too many hellos')
        throw new AdmissionError('refused', 'too many hellos')
      }
      await this.#talk(stream, connection, this.#limit(), false)
    } catch (thrown) {
      stream.abort(thrown instanceof Error ? thrown : new Error(messageOf(thrown)))
      this.#components.log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(thrown) }, 'hello failed')
    }
  }

  #limit(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
  }

  /** Both sides say the same: hello, then a verdict on the other's. */
  async #talk(stream: Stream, connection: Connection, signal: AbortSignal, asked: boolean): Promise<void> {
    const { theirs, ours, verdict } = await withChannel(stream, signal, async channel => {
      await channel.send(helloCodec, this.#components.hello())
      const theirs = await channel.receive(helloCodec)
      const ours = this.#verdictOn(theirs, connection)
      await channel.send(verdictCodec, ours)
      return { theirs, ours, verdict: await channel.receive(verdictCodec) }
    })
    this.#concluded(connection, theirs, ours, verdict)
    if (ours.admitted) await this.#watch(connection, theirs, asked)
  }

  /** Where two connections of one peer ID come from two processes, both are asked again: one may be a dead one's. */
  async #watch(connection: Connection, { boot }: Hello, asked: boolean): Promise<void> {
    const { clones, host } = this.#components
    if (!(await clones?.hello(connection.remotePeer.toString(), boot, asked))) return
    for (const other of host.getConnections(connection.remotePeer)) {
      if (other !== connection && other.status === 'open') void this.#greet(other)
    }
  }

  #verdictOn(hello: Hello, connection: Connection): Verdict {
    const { log, authority } = this.#components
    const peer = connection.remotePeer
    const key = peer.toString()
    try {
      const verified = this.#verify(hello.certificate, peer)
      // Nobody would take the entry away again once the connection is gone.
      if (connection.status !== 'open') throw new AdmissionError('refused', 'the connection has closed')
      this.#admitted.set(key, { peer, ...verified })
      this.#deadlines.forget(connection)
      this.#gate.wake(key)
      return { admitted: true }
    } catch (thrown) {
      // Without metadata of our own nobody can be judged: that is no fault of theirs, and no news.
      const judging = authority() !== undefined
      log[judging ? 'warn' : 'debug']({ peer: key, reason: messageOf(thrown) }, 'a peer is not admitted')
      if (judging && this.#deadlines.refuse(connection)) this.#refuse(peer)
      const code = thrown instanceof ThymeshError ? thrown.code : 'failed'
      return { admitted: false, reason: messageOf(thrown).slice(0, 300), code }
    }
  }

  /**
   * By what a peer shows, or by what others have told of it: noise proves whose certificate it is, and one that was away
   * may not have its newest.
   */
  #verify(envelope: Uint8Array, peer: PeerId): Omit<Member, 'peer'> {
    const { authority, clock, known } = this.#components
    const by = authority()
    if (by === undefined) throw new AdmissionError('no-trust', 'this peer has no metadata of its fleet yet')
    const told = known?.(peer.toString())
    try {
      const certificate = verifyMember(envelope, peer.toString(), by, clock.reference)
      const stands = told !== undefined && certificateRank(told.certificate) > certificateRank(certificate)
      return stands ? told : { certificate, envelope }
    } catch (thrown) {
      if (told === undefined) throw thrown
      return told
    }
  }

  #concluded(connection: Connection, hello: Hello, ours: Verdict, theirs: Verdict): void {
    const peer = connection.remotePeer
    if (this.#stop.signal.aborted || connection.status !== 'open') return
    if (!theirs.admitted) {
      const revoked = theirs.code === 'revoked'
      this.#unwelcomeAt.set(peer.toString(), revoked ? revokedPauseMs : refusedPauseMs)
      const { log } = this.#components
      log[revoked ? 'warn' : 'info']({ peer: peer.toString(), reason: theirs.reason }, 'a peer does not admit us')
      return
    }
    this.#unwelcomeAt.delete(peer.toString())
    if (ours.admitted) this.#completed(connection)
    // After it is known whether they come from a member: such news go first.
    const known = this.#components.hello()
    if (hello.root > known.root || hello.timestamp > known.timestamp) {
      this.#deadlines.extend(connection)
      this.emit('newer', { peer, hello })
    }
  }

  #completed(connection: Connection): void {
    const key = connection.remotePeer.toString()
    const member = this.#admitted.get(key)
    if (member === undefined) return
    const known = this.#members.has(key)
    this.#members.set(key, member)
    this.#components.refused.delete(key)
    this.#refusedBy.delete(key)
    if (known) return
    const { log, host } = this.#components
    log.info({ peer: key, name: member.certificate.name, role: member.certificate.role }, 'peer admitted')
    this.emit('admitted', member)
    // Tells gossip and the DHT that the peer is there.
    host.services.identify.identify(connection).catch(error => {
      log.debug({ peer: key, reason: messageOf(error) }, 'identify failed')
    })
  }

  #refuse(peer: PeerId): void {
    this.#components.refused.add(peer.toString())
    this.#left(peer)
    void this.#components.host.hangUp(peer).catch(() => {})
  }

  #left(peer: PeerId): void {
    const key = peer.toString()
    const member = this.#members.get(key)
    this.#members.delete(key)
    this.#admitted.delete(key)
    const pauseMs = this.#unwelcomeAt.get(key)
    this.#unwelcomeAt.delete(key)
    if (pauseMs !== undefined) this.#refusedBy.add(key, pauseMs)
    this.#gate.wake(key)
    if (member !== undefined) this.emit('left', member)
  }
}
