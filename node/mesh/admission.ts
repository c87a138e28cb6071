/** Admission: nothing but hello is answered until a peer has shown the certificate of a member of this fleet. */

import { EventEmitter } from 'node:events'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Certificate } from '../../protocol/certificate.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { type MembershipAuthority, verifyMember } from '../../protocol/membership.ts'
import { type Hello, helloCodec, type ProtocolNames, type Verdict, verdictCodec } from '../../protocol/messages.ts'
import { helloTimeoutMs } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Clock } from '../state/clock.ts'
import { converse } from './channel.ts'
import { Gate } from './gate.ts'
import { type Host, serviceProtocols } from './host.ts'
import { Refusals } from './refusals.ts'
import { Strangers } from './strangers.ts'

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
  /** What we say of ourselves. */
  hello: () => Hello
  /** Peers that we refused lately; the host takes no connection of theirs. */
  refused: Refusals
}

export class Admission extends EventEmitter<Events> {
  readonly #components: AdmissionComponents
  readonly #members = new Map<string, Member>()
  /** Peers that we admitted; they may not have admitted us yet. */
  readonly #admitted = new Map<string, Member>()
  readonly #gate = new Gate(peer => this.#admitted.has(peer))
  /** Peers that refused us and have gone since. */
  readonly #refusedBy = new Refusals()
  readonly #unwelcomeAt = new Set<string>()
  readonly #strangers = new Strangers(connection => this.#late(connection))
  readonly #stop = new AbortController()

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
    host.addEventListener('connection:close', ({ detail }) => this.#strangers.forget(detail))
    host.addEventListener('peer:disconnect', ({ detail }) => this.#left(detail))
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the peer stops'))
    this.#strangers.stop()
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

  /** Judges every connected peer again: the keys of the members role, or the revocations, have changed. */
  reconsider(): void {
    const { host, log } = this.#components
    for (const member of [...this.#admitted.values()]) {
      try {
        this.#judge(member.envelope, member.peer)
      } catch (thrown) {
        log.warn({ peer: member.peer.toString(), reason: messageOf(thrown) }, 'a member is one no longer')
        this.#refuse(member.peer)
      }
    }
    for (const connection of host.getConnections()) {
      const peer = connection.remotePeer.toString()
      if (this.#members.has(peer) || this.#components.refused.has(peer)) continue
      this.#strangers.expect(connection)
      void this.#greet(connection)
    }
  }

  #opened(connection: Connection): void {
    if (this.#stop.signal.aborted) return
    this.#strangers.expect(connection)
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
      await this.#talk(stream, connection, signal)
    } catch (thrown) {
      this.#components.log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(thrown) }, 'hello failed')
    }
  }

  /** Never rejects. */
  async #answer(stream: Stream, connection: Connection): Promise<void> {
    try {
      await this.#talk(stream, connection, this.#limit())
    } catch (thrown) {
      this.#components.log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(thrown) }, 'hello failed')
    }
  }

  #limit(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
  }

  /** Both sides say the same: hello, then a verdict on the other's. */
  async #talk(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const { theirs, ours, verdict } = await converse(stream, signal, async channel => {
      await channel.send(helloCodec, this.#components.hello())
      const theirs = await channel.receive(helloCodec)
      const ours = this.#verdictOn(theirs, connection)
      await channel.send(verdictCodec, ours)
      return { theirs, ours, verdict: await channel.receive(verdictCodec) }
    })
    this.#concluded(connection, theirs, ours, verdict)
  }

  #verdictOn(hello: Hello, connection: Connection): Verdict {
    const { log, authority } = this.#components
    const peer = connection.remotePeer
    const key = peer.toString()
    try {
      const certificate = this.#judge(hello.certificate, peer)
      // Nobody would take the entry away again once the connection is gone.
      if (connection.status !== 'open') throw new AdmissionError('refused', 'the connection has closed')
      this.#admitted.set(key, { peer, certificate, envelope: hello.certificate })
      this.#strangers.forget(connection)
      this.#gate.wake(key)
      return { admitted: true }
    } catch (thrown) {
      // Without metadata of our own nobody can be judged: that is no fault of theirs, and no news.
      const judging = authority() !== undefined
      log[judging ? 'warn' : 'debug']({ peer: key, reason: messageOf(thrown) }, 'a peer is not admitted')
      if (judging && this.#strangers.refuse(connection)) this.#refuse(peer)
      return { admitted: false, reason: messageOf(thrown).slice(0, 300) }
    }
  }

  #judge(envelope: Uint8Array, peer: PeerId): Certificate {
    const authority = this.#components.authority()
    if (authority === undefined) throw new AdmissionError('no-trust', 'this peer has no metadata of its fleet yet')
    return verifyMember(envelope, peer.toString(), authority, this.#components.clock.reference)
  }

  #concluded(connection: Connection, hello: Hello, ours: Verdict, theirs: Verdict): void {
    const peer = connection.remotePeer
    if (this.#stop.signal.aborted || connection.status !== 'open') return
    if (!theirs.admitted) {
      this.#unwelcomeAt.add(peer.toString())
      this.#components.log.info({ peer: peer.toString(), reason: theirs.reason }, 'a peer does not admit us')
      return
    }
    this.#unwelcomeAt.delete(peer.toString())
    if (ours.admitted) this.#completed(connection)
    // After it is known whether they come from a member: such news go first.
    const known = this.#components.hello()
    if (hello.root > known.root || hello.timestamp > known.timestamp) {
      this.#strangers.extend(connection)
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
    if (this.#unwelcomeAt.delete(key)) this.#refusedBy.add(key)
    this.#gate.wake(key)
    if (member !== undefined) this.emit('left', member)
  }
}
