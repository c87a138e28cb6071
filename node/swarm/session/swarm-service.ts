/** The swarms of this peer: opens and accepts streams, and fetches and serves closures. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import type { Certificate } from '../../../protocol/members/certificate.ts'
import { type ProtocolNames, swarmProtocols } from '../../../protocol/messages/messages.ts'
import type { Frame, Refusal } from '../../../protocol/messages/swarm.ts'
import type { Lanes } from '../../mesh/lane/lanes.ts'
import { helloTimeoutMs } from '../../mesh/limits.ts'
import type { Admission } from '../../mesh/peers/admission.ts'
import type { Member } from '../../mesh/peers/newest-certificate.ts'
import { subjectOf } from '../../mesh/peers/subject.ts'
import type { Host } from '../../mesh/transport/host.ts'
import { connectionTo, openStream } from '../../mesh/transport/open-stream.ts'
import type { Logger } from '../../process/log.ts'
import { Bitfield } from '../chunks/bitfield.ts'
import type { ChunkChanges } from '../chunks/chunk-store.ts'
import type { Closures, KnownClosure } from '../chunks/closures.ts'
import type { Bases } from '../delta/bases.ts'
import type { FramePatience } from '../lane/frame-patience.ts'
import { banMs, idleSwarmMs, reopenMs, servedClosures } from '../limits.ts'
import type { UplinkAllowance } from '../schedule/uplink-allowance.ts'
import type { SwarmPeer } from './arrival.ts'
import { FrameStream } from './frame-stream.ts'
import { SessionLanes } from './lanes.ts'
import { isLocal } from './locality.ts'
import { type OpenChunks, type OpenSwarm, OpenSwarms } from './open-swarms.ts'
import { Session } from './session.ts'
import { asMisbehaviour, SessionError } from './session-error.ts'
import type { UploadLimiter } from './upload-limiter.ts'

export interface SwarmServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Admission
  closures: Closures
  uploads: UploadLimiter
  /** Opens the local chunks of a closure. */
  openChunks: (known: KnownClosure, changes: ChunkChanges) => Promise<OpenChunks>
  bases?: Bases
  /** Bounds what comes over the site's uplink. */
  uplink?: UplinkAllowance | undefined
  certificate: Certificate
  /** Bulk lanes; without them, all chunks go on the sessions' streams. */
  lanes?: Lanes | undefined
  /** Frame timeouts, if not the defaults. */
  patience?: FramePatience
  log: Logger
}

/** The result of a stream's handshake. */
interface Handshake {
  frames: FrameStream
  member: Member
  said: Ready
  heard: Ready
  /** Of two streams opened at once, this one stays. */
  preferred: boolean
}

type Ready = Frame & { type: 'ready' }

export class SwarmService {
  readonly #components: SwarmServiceComponents
  readonly #swarms: OpenSwarms
  readonly #bans = new Map<string, number>()
  readonly #opening = new Set<string>()
  /** Requested closures whose documents are being read. */
  readonly #reading = new Map<string, Promise<KnownClosure | undefined>>()
  readonly #retries = new Map<string, number>()
  readonly #stop = new AbortController()
  readonly #lanes: SessionLanes | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(components: SwarmServiceComponents) {
    this.#components = components
    const { host, names, admission, openChunks, uplink, lanes, log } = components
    if (lanes !== undefined) this.#lanes = new SessionLanes({ host, names, admission, lanes, log }, components.patience)
    this.#swarms = new OpenSwarms({ openChunks, uplink, log }, { self: host.peerId.toString() })
    this.#swarms.on('misbehaved', ({ id, name }, reason) => this.#ban(id, name, reason))
  }

  async start(): Promise<void> {
    const { host, names, admission } = this.#components
    const bounds = { maxInboundStreams: servedClosures, maxOutboundStreams: servedClosures }
    for (const protocol of swarmProtocols(names)) {
      await host.handle(protocol, (stream, connection) => this.#answer(stream, connection), bounds)
      admission.gate(protocol)
    }
    await this.#lanes?.start()
    this.#timer = setInterval(() => this.maintain(Date.now()), 1_000)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new SessionError('ended', 'the peer stops'))
    await this.#components.host.unhandle(swarmProtocols(this.#components.names))
    await this.#swarms.stop()
    await this.#lanes?.stop()
  }

  /** The swarm of a closure that we need ourselves, opened if necessary. Rejects if its chunks can't be searched. */
  open(known: KnownClosure): Promise<OpenSwarm> {
    return this.#swarms.open(known)
  }

  /** The swarm of a closure that we need if it is open; opening a large closure takes a while. */
  opened(hash: Uint8Array): Promise<OpenSwarm> | undefined {
    return this.#swarms.opened(hash)
  }

  /** Whether this peer or another one fetches a closure that is open here. */
  get isWanted(): boolean {
    return this.#swarms.isWanted
  }

  /** Opens sessions with every member that has none yet; idempotent. */
  connect(entry: OpenSwarm): void {
    if (this.#stop.signal.aborted) return
    for (const member of this.#components.admission.members) {
      const id = member.peer.toString()
      const key = `${id} ${toHex(entry.hash)}`
      if (entry.swarm.hasSession(id) || this.#opening.has(key) || this.#isBanned(id)) continue
      if ((this.#retries.get(key) ?? 0) > Date.now()) continue
      this.#opening.add(key)
      void this.#dial(entry, member, key).finally(() => this.#opening.delete(key))
    }
  }

  /** Connects swarms that fetch, ends sessions that neither side needs and closes unused swarms. `now` is the time. */
  maintain(now: number): void {
    for (const entry of this.#swarms.all) {
      if (entry.swarm.fetching) this.connect(entry)
      entry.swarm.closeIdle(now - idleSwarmMs)
    }
    this.#swarms.closeUnused(now - idleSwarmMs)
    for (const times of [this.#retries, this.#bans]) {
      for (const [key, until] of times) if (until < now) times.delete(key)
    }
  }

  async #dial(entry: OpenSwarm, member: Member, key: string): Promise<void> {
    const { host, names, log } = this.#components
    const peer = member.peer.toString()
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
    let frames: FrameStream | undefined
    try {
      const stream = await openStream(host, member.peer, swarmProtocols(names), signal)
      frames = new FrameStream(stream, this.#components.patience)
      await frames.write({ type: 'open', closure: entry.hash }, signal)
      const heard = await frames.read(signal)
      if (heard?.type === 'refused') {
        // Both sides dialled at once: the other's stream stays.
        if (heard.reason !== 'duplicate') this.#retries.set(key, Date.now() + reopenMs)
        log.debug({ peer, reason: heard.reason }, 'a swarm stream was refused')
        return frames.abort(new Error('refused'))
      }
      if (heard === undefined) throw new SessionError('ended', 'the peer ended the stream')
      if (heard.type !== 'ready') throw new SessionError('misbehaved', `expected ready or refused, got ${heard.type}`)
      const said = this.#ready(entry)
      await frames.write(said, signal)
      this.#attach(entry, { frames, member, said, heard, preferred: host.peerId.toString() < peer })
    } catch (thrown) {
      this.#retries.set(key, Date.now() + reopenMs)
      log.debug({ peer, reason: messageOf(thrown) }, 'a swarm stream could not be opened')
      this.#failed(frames, member, thrown)
    }
  }

  async #answer(stream: Stream, connection: Connection): Promise<void> {
    const frames = new FrameStream(stream, this.#components.patience)
    const { admission, host, log } = this.#components
    const peer = connection.remotePeer
    const member = admission.member(peer)
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(helloTimeoutMs)])
      if (member === undefined || this.#isBanned(peer.toString())) throw new SessionError('ended', 'not welcome')
      const open = await frames.read(signal)
      if (open?.type !== 'open') throw new SessionError('ended', 'expected a member to open a swarm')
      const entry = await this.#entryFor(open.closure, member)
      const refusal = typeof entry === 'string' ? entry : this.#refusal(entry, peer, open.closure)
      if (typeof entry === 'string' || refusal !== undefined) {
        await frames.write({ type: 'refused', reason: refusal ?? 'unknown-closure' }, signal)
        return await frames.close()
      }
      const said = this.#ready(entry)
      await frames.write(said, signal)
      const heard = await frames.read(signal)
      // The dialler ends its stream here if it sees that the other one stays.
      if (heard === undefined) throw new SessionError('ended', 'the peer ended the stream')
      if (heard.type !== 'ready') throw new SessionError('misbehaved', `expected ready, got ${heard.type}`)
      this.#attach(entry, { frames, member, said, heard, preferred: peer.toString() < host.peerId.toString() })
    } catch (thrown) {
      log.debug({ peer: peer.toString(), reason: messageOf(thrown) }, 'a swarm stream failed')
      this.#failed(frames, member, thrown)
    }
  }

  #failed(frames: FrameStream | undefined, member: Member | undefined, thrown: unknown): void {
    const reason = asMisbehaviour(thrown)
    frames?.abort(reason instanceof Error ? reason : new Error(String(reason)))
    if (member === undefined || !(reason instanceof SessionError) || reason.code !== 'misbehaved') return
    this.#ban(member.peer.toString(), member.certificate.name, reason.message)
  }

  /** The swarm of a verified release's closure, if its documents are here; else the reason to refuse. */
  async #entryFor(hash: Uint8Array, member: Member): Promise<OpenSwarm | Refusal> {
    const subject = subjectOf(member)
    const served = this.#swarms.served(hash, subject)
    if (served !== undefined) return await served
    const key = toHex(hash)
    const { closures } = this.#components
    if (!closures.isReleased(hash)) return 'unknown-closure'
    // Many peers ask at once after a release, and reading a large closure's documents takes a while.
    const reading = this.#reading.get(key) ?? closures.held(hash).finally(() => this.#reading.delete(key))
    this.#reading.set(key, reading)
    const known = await reading
    if (known === undefined) return 'unknown-closure'
    return (await this.#swarms.serve(known, subject)) ?? 'too-many'
  }

  #refusal(entry: OpenSwarm, peer: PeerId, closure: Uint8Array): Refusal | undefined {
    const key = `${peer} ${toHex(closure)}`
    // Both sides dial at once: both keep the stream of the peer with the lower ID.
    const oursStays = this.#components.host.peerId.toString() < peer.toString()
    return oursStays && (this.#opening.has(key) || entry.swarm.hasSession(peer.toString())) ? 'duplicate' : undefined
  }

  #ready({ chunks, swarm }: OpenSwarm): Ready {
    const have = chunks.here()
    return { type: 'ready', wants: swarm.fetching, bitfield: have.count === 0 ? new Uint8Array() : have.bytes }
  }

  #attach(entry: OpenSwarm, { frames, member, said, heard, preferred }: Handshake): void {
    const { uploads, bases, certificate, host, names, admission } = this.#components
    const { swarm, chunks, finder } = entry
    this.#stop.signal.throwIfAborted()
    if (!this.#swarms.has(entry)) throw new SessionError('ended', 'the closure has made room for another one')
    const id = member.peer.toString()
    if (admission.member(member.peer) === undefined || this.#isBanned(id))
      throw new SessionError('ended', 'not welcome')
    const peer: SwarmPeer = {
      id,
      name: member.certificate.name,
      local: isLocal(certificate, member.certificate, connectionTo(host, member.peer)),
      controller: member.certificate.role === 'controller',
    }
    const session = new Session(
      { frames, list: swarm.list, chunks, uploads, finder, bases },
      {
        subject: subjectOf(member),
        local: peer.local,
        theirs: bitfieldOf(heard, swarm.list.count),
        theyWant: heard.wants,
        ours: bitfieldOf(said, swarm.list.count),
        weWant: said.wants,
        preferred,
        losses: frames.protocol === names.swarm,
      },
    )
    swarm.attach(session, peer)
    // Of two sessions that were opened at once, this may be the one that goes.
    if (!session.closed) this.#lanes?.attached(session, member.peer, entry.hash)
  }

  /** For a while, neither requests from this peer nor serves it. */
  #ban(id: string, name: string, reason: string): void {
    const { host, admission, log } = this.#components
    log.warn({ peer: id, name, reason }, 'a peer is banned for a while')
    this.#bans.set(id, Date.now() + banMs)
    const member = admission.members.find(({ peer }) => peer.toString() === id)
    // It may have disconnected already.
    if (member !== undefined) void host.hangUp(member.peer).catch(() => {})
  }

  #isBanned(peer: string): boolean {
    return (this.#bans.get(peer) ?? 0) > Date.now()
  }
}

function bitfieldOf({ bitfield }: Ready, count: number): Bitfield {
  try {
    return bitfield.length === 0 ? new Bitfield(count) : new Bitfield(count, bitfield)
  } catch (thrown) {
    throw new SessionError('misbehaved', messageOf(thrown), { cause: thrown })
  }
}
