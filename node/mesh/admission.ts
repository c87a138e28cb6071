/** Admission: nothing but hello is answered until a peer has shown the certificate of a member of this fleet. */

import { EventEmitter } from 'node:events'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Certificate } from '../../protocol/certificate.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { type MembershipAuthority, verifyMember } from '../../protocol/membership.ts'
import { type Hello, helloCodec, type ProtocolNames, type Verdict, verdictCodec } from '../../protocol/messages.ts'
import { helloTimeoutMs, refusedPauseMs } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Clock } from '../state/clock.ts'
import { Channel } from './channel.ts'
import { type Host, serviceProtocols } from './host.ts'

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
}

export class Admission extends EventEmitter<Events> {
  readonly #components: AdmissionComponents
  readonly #members = new Map<string, Member>()
  /** Peers that we admitted; they may not have admitted us yet. */
  readonly #admitted = new Map<string, Member>()
  readonly #refusedUntil = new Map<string, number>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #stopped = false

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
    })
    for (const protocol of serviceProtocols(names)) this.gate(protocol)
    host.addEventListener('connection:open', ({ detail }) => this.#opened(detail))
    host.addEventListener('peer:disconnect', ({ detail }) => this.#left(detail))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
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
    const until = this.#refusedUntil.get(peerId)
    if (until !== undefined && until <= Date.now()) this.#refusedUntil.delete(peerId)
    return this.#refusedUntil.has(peerId)
  }

  /** Makes inbound streams of a protocol wait until their peer is admitted; ends those whose peer isn't in time. */
  gate(protocol: string): void {
    this.#components.host.use(protocol, async (stream, connection, next) => {
      if (stream.direction === 'inbound' && !(await this.#admittedInTime(connection.remotePeer))) {
        throw new AdmissionError('refused', `${connection.remotePeer} isn't admitted`)
      }
      next(stream, connection)
    })
  }

  /** Judges every connected peer again: the keys of the members role, or the revocations, have changed. */
  reconsider(): void {
    const { host, log } = this.#components
    for (const member of this.#admitted.values()) {
      try {
        this.#judge(member.envelope, member.peer)
      } catch (thrown) {
        log.warn({ peer: member.peer.toString(), reason: messageOf(thrown) }, 'a member is one no longer')
        this.#refuse(member.peer)
      }
    }
    for (const connection of host.getConnections()) {
      if (!this.#members.has(connection.remotePeer.toString())) void this.#greet(connection)
    }
  }

  #opened(connection: Connection): void {
    if (this.#stopped) return
    if (connection.direction === 'outbound') void this.#greet(connection)
    this.#later(helloTimeoutMs, () => {
      const peer = connection.remotePeer
      // A peer that joins can't judge anyone before it has fetched its first metadata, however long that takes.
      const judging = this.#components.authority() !== undefined
      if (this.#admitted.has(peer.toString()) || !judging || connection.status !== 'open') return
      this.#components.log.debug({ peer: peer.toString() }, 'a peer was not admitted in time')
      this.#refuse(peer)
    })
  }

  async #greet(connection: Connection): Promise<void> {
    const { names, log } = this.#components
    try {
      const signal = AbortSignal.timeout(helloTimeoutMs)
      const stream = await connection.newStream(names.hello, { signal, runOnLimitedConnection: true })
      await this.#converse(new Channel(stream, signal), connection)
    } catch (thrown) {
      log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(thrown) }, 'hello failed')
    }
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    try {
      await this.#converse(new Channel(stream, AbortSignal.timeout(helloTimeoutMs)), connection)
    } catch (thrown) {
      this.#components.log.debug({ peer: connection.remotePeer.toString(), reason: messageOf(thrown) }, 'hello failed')
      stream.abort(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

  /** Both sides say the same: hello, then a verdict on the other's. */
  async #converse(channel: Channel, connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    const { log } = this.#components
    await channel.send(helloCodec, this.#components.hello())
    const theirs = await channel.receive(helloCodec)
    const ours = this.#verdictOn(theirs, peer)
    await channel.send(verdictCodec, ours)
    const verdict = await channel.receive(verdictCodec)
    await channel.close()
    if (!verdict.admitted) {
      log.info({ peer: peer.toString(), reason: verdict.reason }, 'a peer does not admit us')
      return
    }
    const known = this.#components.hello()
    if (theirs.root > known.root || theirs.timestamp > known.timestamp) this.emit('newer', { peer, hello: theirs })
    if (ours.admitted) await this.#completed(connection)
  }

  #verdictOn(hello: Hello, peer: PeerId): Verdict {
    const { log } = this.#components
    try {
      const certificate = this.#judge(hello.certificate, peer)
      this.#admitted.set(peer.toString(), { peer, certificate, envelope: hello.certificate })
      return { admitted: true }
    } catch (thrown) {
      // Without metadata of our own nobody can be judged: that is no fault of theirs, and no news.
      const expected = thrown instanceof AdmissionError && thrown.code === 'no-trust'
      log[expected ? 'debug' : 'warn']({ peer: peer.toString(), reason: messageOf(thrown) }, 'a peer is not admitted')
      return { admitted: false, reason: messageOf(thrown).slice(0, 300) }
    }
  }

  #judge(envelope: Uint8Array, peer: PeerId): Certificate {
    const authority = this.#components.authority()
    if (authority === undefined) throw new AdmissionError('no-trust', 'this peer has no metadata of its fleet yet')
    return verifyMember(envelope, peer.toString(), authority, this.#components.clock.reference)
  }

  async #completed(connection: Connection): Promise<void> {
    const key = connection.remotePeer.toString()
    const member = this.#admitted.get(key)
    if (member === undefined || this.#stopped || connection.status !== 'open') return
    for (const wake of this.#waiting.get(key) ?? []) wake()
    if (this.#members.has(key)) return
    this.#members.set(key, member)
    this.#refusedUntil.delete(key)
    this.#components.log.info(
      { peer: key, name: member.certificate.name, role: member.certificate.role },
      'peer admitted',
    )
    this.emit('admitted', member)
    // Tells gossip and the DHT that the peer is there.
    await this.#components.host.services.identify.identify(connection)
  }

  #refuse(peer: PeerId): void {
    const key = peer.toString()
    this.#refusedUntil.set(key, Date.now() + refusedPauseMs)
    this.#left(peer)
    void this.#components.host.hangUp(peer).catch(() => {})
  }

  #left(peer: PeerId): void {
    const key = peer.toString()
    const member = this.#members.get(key)
    this.#members.delete(key)
    this.#admitted.delete(key)
    if (member !== undefined) this.emit('left', member)
  }

  async #admittedInTime(peer: PeerId): Promise<boolean> {
    const key = peer.toString()
    if (this.#admitted.has(key)) return true
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    await new Promise<void>(resolve => {
      waiting.add(resolve)
      this.#later(helloTimeoutMs, resolve)
    })
    this.#waiting.delete(key)
    return this.#admitted.has(key)
  }

  #later(milliseconds: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      action()
    }, milliseconds)
    this.#timers.add(timer)
  }
}
