/** Admission: only the hello protocol is available until a peer has presented a member certificate of this fleet. */

import { EventEmitter } from 'node:events'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import {
  type Hello,
  helloCodec,
  type ProtocolNames,
  type Verdict,
  verdictCodec,
} from '../../../protocol/messages/messages.ts'
import type { Subject } from '../../concurrency/fair-places.ts'
import type { Logger } from '../../process/log.ts'
import { helloTimeoutMs, refusedPauseMs, revokedPauseMs } from '../limits.ts'
import { withChannel } from '../transport/channel.ts'
import { type Host, serviceProtocols } from '../transport/host.ts'
import { StreamGate } from '../transport/stream-gate.ts'
import { AdmissionDeadlines } from './admission-deadlines.ts'
import type { CloneDetector } from './clone-detector.ts'
import { type ConnectionLimits, ConnectionPlaces } from './connection-places.ts'
import { AdmissionError, type Member, type VerifierComponents, verifyNewest } from './newest-certificate.ts'
import type { PeerScore } from './peer-score.ts'
import { RefusedPeers } from './refused-peers.ts'
import { subjectOf } from './subject.ts'

/** A peer that has admitted us, with its hello; we may not have admitted it. */
export interface Greeting {
  readonly peer: PeerId
  readonly hello: Hello
}

interface Events {
  /** Both sides have admitted each other. */
  admitted: [Member]
  left: [Member]
  /** A peer that has admitted us has newer metadata than we do. */
  newer: [Greeting]
}

export interface AdmissionComponents extends VerifierComponents {
  host: Host
  names: ProtocolNames
  fleet: string
  log: Logger
  clones?: Pick<CloneDetector, 'hello'>
  peerScore?: Pick<PeerScore, 'allowRequest' | 'penalize'>
  /** Our own hello. */
  hello: () => Hello
  /** Peers that we refused recently; the host accepts no connections from them. */
  refused: RefusedPeers
  /** By default the usual ones. */
  connections?: ConnectionLimits | undefined
}

export class Admission extends EventEmitter<Events> {
  readonly #components: AdmissionComponents
  readonly #members = new Map<string, Member>()
  /** Peers that we have admitted; they may not have admitted us yet. */
  readonly #admitted = new Map<string, Member>()
  readonly #gate = new StreamGate(peer => this.#admitted.has(peer))
  /** Peers that refused us and have disconnected since. */
  readonly #refusedBy = new RefusedPeers()
  /** Why members do not admit us, by their own word: a code for each. */
  readonly #refusals = new Map<string, string>()
  /** How long to wait before they are dialled again, in milliseconds. */
  readonly #unwelcomeAt = new Map<string, number>()
  readonly #deadlines = new AdmissionDeadlines(connection => this.#late(connection))
  readonly #places: ConnectionPlaces
  readonly #stop = new AbortController()
  #closed = false

  constructor(components: AdmissionComponents) {
    super()
    this.#components = components
    const { host, connections } = components
    const subjectOf = (peer: PeerId) => this.subjectOf(peer)
    this.#places = new ConnectionPlaces({ host, subjectOf, dismiss: peer => this.#refuse(peer) }, connections)
  }

  /** Call it before the host starts, so that the gate applies from the first connection. */
  async start(): Promise<void> {
    const { host, names } = this.#components
    await host.handle(names.hello, (stream, connection) => this.#answer(stream, connection), {
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      runOnLimitedConnection: true,
    })
    for (const protocol of serviceProtocols(names)) host.use(protocol, this.#gate.middleware('both'))
    host.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    host.addEventListener('connection:close', ({ detail }) => this.#closedConnection(detail))
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

  /** Codes of why members do not admit us. None of them is proven. */
  get refusals(): ReadonlySet<string> {
    return new Set(this.#refusals.values())
  }

  /** By its ID; as text where it is at hand, since encoding one costs as much as a thousand look-ups. */
  member(peer: PeerId | string): Member | undefined {
    return this.#members.get(peer.toString())
  }

  /** For whom the share of a peer counts; strangers are one group. */
  subjectOf(peer: PeerId): Subject {
    const admitted = this.#admitted.get(`${peer}`)
    return admitted ? subjectOf(admitted) : { peer: `${peer}`, group: 'strangers' }
  }

  /** Whether a recent refusal, by either side, forbids dialling a peer. */
  isRefused(peerId: string): boolean {
    return this.#components.refused.has(peerId) || this.#refusedBy.has(peerId)
  }

  /** Makes inbound streams of a protocol wait until their peer is admitted, and ends them if it isn't in time. */
  gate(protocol: string): void {
    this.#components.host.use(protocol, this.#gate.middleware('inbound'))
  }

  /** Refuses all peers, connected ones included: this peer is no longer a member itself. */
  close(): void {
    this.#closed = true
    for (const { remotePeer } of this.#components.host.getConnections()) this.#refuse(remotePeer)
  }

  /** Drops a peer and accepts no connection from it for a while. */
  drop(peer: string): void {
    const connection = this.#components.host.getConnections().find(({ remotePeer }) => remotePeer.toString() === peer)
    if (connection !== undefined) this.#refuse(connection.remotePeer)
  }

  /** Verifies every connected peer again: the members role's keys or the revocations have changed. */
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

  /** Verifies admitted peers again, or one of them: time has passed, or a new certificate was received. */
  recheckAdmitted(only?: string): void {
    const { log } = this.#components
    for (const [key, member] of [...this.#admitted]) {
      if (only !== undefined && key !== only) continue
      try {
        const verified = { ...member, ...verifyNewest(this.#components, member.envelope, member.peer) }
        this.#admitted.set(key, verified)
        if (this.#members.has(key)) this.#members.set(key, verified)
      } catch (thrown) {
        log.warn({ peer: member.peer.toString(), reason: messageOf(thrown) }, 'a peer is no longer a member')
        // It isn't dialled for a while, but may still connect: its next hello tells it why.
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
    if (!this.#places.opened(connection)) return
    this.#deadlines.expect(connection)
    if (connection.direction === 'outbound') void this.#greet(connection)
  }

  #closedConnection(connection: Connection): void {
    this.#deadlines.forget(connection)
    this.#places.closed(connection)
  }

  #late(connection: Connection): void {
    const peer = connection.remotePeer
    // A joining peer can't verify anyone before it has metadata, however long that takes; recheckAll() follows then.
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
      this.#failed(connection, thrown)
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
      this.#failed(connection, thrown)
    }
  }

  /** Half admitted, as when the hello ran out of time: nobody would greet again here, and both would wait. It dials anew. */
  #failed(connection: Connection, thrown: unknown): void {
    const key = connection.remotePeer.toString()
    this.#components.log.debug({ peer: key, reason: messageOf(thrown) }, 'hello failed')
    if (!this.#admitted.has(key) || this.#members.has(key) || connection.status !== 'open') return
    connection.abort(new Error('the hello was not completed'))
  }

  #limit(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
  }

  /** Both sides run the same exchange: a hello, then a verdict on the other's. */
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

  /** If two connections of one peer ID belong to two processes, both are asked again: one of them may be dead. */
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
      const verified = verifyNewest(this.#components, hello.certificate, peer)
      // A closed connection would leave the entry behind.
      if (connection.status !== 'open') throw new AdmissionError('refused', 'the connection has closed')
      if (!this.#places.admitted(connection, subjectOf(verified))) {
        throw new AdmissionError('busy', 'all connections are taken by other members', {
          hint: 'Try another member: this one has a place when one of them leaves.',
        })
      }
      this.#admitted.set(key, { peer, ...verified })
      this.#deadlines.forget(connection)
      this.#gate.wake(key)
      return { admitted: true }
    } catch (thrown) {
      // Without metadata no peer can be verified. It isn't the peer's fault and isn't logged.
      const canVerify = authority() !== undefined
      log[canVerify ? 'warn' : 'debug']({ peer: key, reason: messageOf(thrown) }, 'a peer was not admitted')
      if (canVerify && this.#deadlines.refuse(connection)) this.#refuse(peer)
      const code = thrown instanceof ThymeshError ? thrown.code : 'failed'
      return { admitted: false, reason: messageOf(thrown).slice(0, 300), code }
    }
  }

  #concluded(connection: Connection, hello: Hello, ours: Verdict, theirs: Verdict): void {
    const peer = connection.remotePeer
    if (this.#stop.signal.aborted || connection.status !== 'open') return
    if (!theirs.admitted) {
      if (ours.admitted && theirs.code !== undefined) this.#refusals.set(peer.toString(), theirs.code)
      const revoked = theirs.code === 'revoked'
      this.#unwelcomeAt.set(peer.toString(), revoked ? revokedPauseMs : refusedPauseMs)
      const { log } = this.#components
      log[revoked ? 'warn' : 'info']({ peer: peer.toString(), reason: theirs.reason }, 'a peer did not admit us')
      return
    }
    this.#unwelcomeAt.delete(peer.toString())
    this.#refusals.delete(peer.toString())
    if (ours.admitted) this.#completed(connection)
    // Only after admission is decided: news from members take precedence.
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
    // Announces the peer to gossip and the DHT.
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
