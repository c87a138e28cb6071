/** The swarms of this peer: opens and answers streams, brings closures in, and serves those that it has. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Certificate } from '../../protocol/certificate.ts'
import { messageOf } from '../../protocol/errors.ts'
import { toHex } from '../../protocol/hash.ts'
import type { ProtocolNames } from '../../protocol/messages.ts'
import type { Frame, Refusal } from '../../protocol/swarm.ts'
import { helloTimeoutMs } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { Admission, Member } from '../mesh/admission.ts'
import type { Host } from '../mesh/host.ts'
import { Bitfield } from './bitfield.ts'
import { ClosureSwarm, type SwarmPeer } from './closure-swarm.ts'
import type { Closures, KnownClosure } from './closures.ts'
import { FrameStream } from './frame-stream.ts'
import { banMs, idleSwarmMs, reopenMs, servedClosures } from './limits.ts'
import type { LocalChunks } from './local-chunks.ts'
import { isLocal } from './locality.ts'
import { Session, SessionError } from './session.ts'
import type { UploadLimiter } from './upload-limiter.ts'

export interface SwarmServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  closures: Closures
  uploads: UploadLimiter
  /** This machine's chunks of a closure. */
  openChunks: (known: KnownClosure, onLost: (numbers: readonly number[]) => void) => Promise<OpenChunks>
  certificate: Certificate
  log: Logger
}

/** This machine's chunks of a closure, and what gives back the files behind them. */
export interface OpenChunks {
  readonly chunks: LocalChunks
  close(): Promise<void>
}

export interface Entry extends OpenChunks {
  readonly swarm: ClosureSwarm
  readonly hash: Uint8Array
}

export class SwarmService {
  readonly #components: SwarmServiceComponents
  readonly #entries = new Map<string, Promise<Entry>>()
  readonly #bans = new Map<string, number>()
  readonly #opening = new Set<string>()
  readonly #retries = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(components: SwarmServiceComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    await host.handle(names.swarm, (stream, connection) => this.#answer(stream, connection), {
      maxInboundStreams: servedClosures,
      maxOutboundStreams: servedClosures,
    })
    admission.gate(names.swarm)
    this.#timer = setInterval(() => void this.#tend(), 1_000)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#components.host.unhandle(this.#components.names.swarm)
    for (const entry of this.#entries.values()) {
      const { swarm, close } = await entry
      swarm.close()
      await close()
    }
  }

  /** The swarm of a closure, made when there is none yet. */
  open(known: KnownClosure): Promise<Entry> {
    const key = toHex(known.hash)
    const existing = this.#entries.get(key)
    if (existing !== undefined) return existing
    const made = this.#make(known)
    this.#entries.set(key, made)
    made.catch(() => this.#entries.delete(key))
    return made
  }

  /** Opens sessions with every member that is not in the swarm yet; again is fine. */
  connect(entry: Entry): void {
    for (const member of this.#components.admission.members) {
      const id = member.peer.toString()
      const key = `${id} ${toHex(entry.hash)}`
      if (entry.swarm.hasSession(id) || this.#opening.has(key) || this.#isBanned(id)) continue
      if ((this.#retries.get(key) ?? 0) > Date.now()) continue
      this.#opening.add(key)
      void this.#dial(entry, member, key).finally(() => this.#opening.delete(key))
    }
  }

  /** Lets a closure's swarm go, if nobody is served from it. */
  async #tend(): Promise<void> {
    for (const [key, made] of this.#entries) {
      const { swarm, close } = await made
      if (swarm.fetching) this.connect(await made)
      if (swarm.fetching || swarm.sessionCount > 0 || Date.now() - swarm.usedAt < idleSwarmMs) continue
      this.#entries.delete(key)
      swarm.close()
      await close()
    }
    for (const [key, until] of this.#retries) if (until < Date.now()) this.#retries.delete(key)
  }

  async #make(known: KnownClosure): Promise<Entry> {
    const { host, log } = this.#components
    const opened = await this.#components.openChunks(known, numbers =>
      log.debug({ chunks: numbers.length }, 'chunks are gone'),
    )
    const { chunks } = opened
    const swarm = new ClosureSwarm({ list: known.list, chunks, log }, { self: host.peerId.toString() })
    swarm.on('misbehaved', (peer, reason) => {
      log.warn({ peer: peer.id, name: peer.name, reason }, 'a peer is banned for a while')
      this.#bans.set(peer.id, Date.now() + banMs)
      void host.hangUp(this.#peerId(peer.id)).catch(() => {})
    })
    return { ...opened, swarm, hash: known.hash }
  }

  async #dial(entry: Entry, member: Member, key: string): Promise<void> {
    const { host, names, log } = this.#components
    const signal = AbortSignal.timeout(helloTimeoutMs)
    try {
      const stream = await host.dialProtocol(member.peer, names.swarm, { signal, maxOutboundStreams: servedClosures })
      const frames = new FrameStream(stream)
      await frames.write({ type: 'open', closure: entry.hash }, signal)
      const answer = await frames.read(signal)
      if (answer?.type !== 'ready') {
        frames.abort(new Error('refused'))
        const reason = answer?.type === 'refused' ? answer.reason : 'no answer'
        // Both dialled at once: the other's stream is the one that stays.
        if (reason !== 'duplicate') this.#retries.set(key, Date.now() + reopenMs)
        log.debug({ peer: member.peer.toString(), reason }, 'a swarm stream was refused')
        return
      }
      await frames.write(this.#ready(entry), signal)
      this.#attach(entry, frames, member, answer)
    } catch (thrown) {
      this.#retries.set(key, Date.now() + reopenMs)
      log.debug({ peer: member.peer.toString(), reason: messageOf(thrown) }, 'a swarm stream could not be opened')
    }
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const frames = new FrameStream(stream)
    const peer = connection.remotePeer
    try {
      const signal = AbortSignal.timeout(helloTimeoutMs)
      const open = await frames.read(signal)
      const member = this.#components.admission.member(peer)
      if (open?.type !== 'open' || member === undefined || this.#isBanned(peer.toString())) {
        return frames.abort(new Error('expected a member to open a swarm'))
      }
      const entry = await this.#entryFor(open.closure)
      const refusal = this.#refusal(entry, peer, open.closure)
      if (entry === undefined || refusal !== undefined) {
        await frames.write({ type: 'refused', reason: refusal ?? 'unknown-closure' }, signal)
        return await frames.close()
      }
      await frames.write(this.#ready(entry), signal)
      const ready = await frames.read(signal)
      if (ready?.type !== 'ready') throw new SessionError('misbehaved', 'expected a ready frame')
      this.#attach(entry, frames, member, ready)
    } catch (thrown) {
      this.#components.log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a swarm stream failed')
      frames.abort(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

  /** A closure of a release that we have verified, when its documents are here. */
  async #entryFor(hash: Uint8Array): Promise<Entry | undefined> {
    const running = this.#entries.get(toHex(hash))
    if (running !== undefined) return await running
    if (!this.#components.closures.isReleased(hash)) return undefined
    const known = await this.#components.closures.held(hash)
    return known && (await this.open(known))
  }

  #refusal(entry: Entry | undefined, peer: PeerId, closure: Uint8Array): Refusal | undefined {
    if (entry === undefined) return 'unknown-closure'
    const key = `${peer} ${toHex(closure)}`
    // Both dial at once: the stream of the one with the lower ID stays, on both sides.
    const oursStays = this.#components.host.peerId.toString() < peer.toString()
    return oursStays && (this.#opening.has(key) || entry.swarm.hasSession(peer.toString())) ? 'duplicate' : undefined
  }

  #ready({ chunks, swarm }: Entry): Frame {
    const have = chunks.here()
    return { type: 'ready', wants: swarm.fetching, bitfield: have.count === 0 ? new Uint8Array() : have.bytes }
  }

  #attach(entry: Entry, frames: FrameStream, member: Member, ready: Frame & { type: 'ready' }): void {
    const { uploads, certificate, host } = this.#components
    const { swarm, chunks } = entry
    const { count } = swarm.list
    const theirs = ready.bitfield.length === 0 ? new Bitfield(count) : new Bitfield(count, ready.bitfield)
    const connection = host.getConnections(member.peer)[0]
    const peer: SwarmPeer = {
      id: member.peer.toString(),
      name: member.certificate.name,
      local: isLocal(certificate, member.certificate, connection),
      controller: member.certificate.role === 'controller',
    }
    const components = { frames, list: swarm.list, chunks, uploads }
    swarm.attach(new Session(components, { peer: peer.id, local: peer.local, theirs, theyWant: ready.wants }), peer)
  }

  #isBanned(peer: string): boolean {
    const until = this.#bans.get(peer)
    if (until !== undefined && until < Date.now()) this.#bans.delete(peer)
    return this.#bans.has(peer)
  }

  #peerId(id: string): PeerId {
    const member = this.#components.admission.members.find(({ peer }) => peer.toString() === id)
    if (member === undefined) throw new RangeError(`${id} is not connected`)
    return member.peer
  }
}
