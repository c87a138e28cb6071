/**
 * Connects controllers to programs of the device, where a grant names the target. A granted key signs a challenge once, which
 * gives a ticket; with it each connection is a stream. Connections end with their grant.
 */

import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { hashLength } from '../../protocol/encoding/hash.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import {
  type AccessRefusal,
  accessVerdictCodec,
  type ForwardHello,
  forwardHelloCodec,
  proofCodec,
} from '../../protocol/messages/access.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { mayForward } from '../../protocol/release/access.ts'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import type { Audited } from '../audit/log-keeper.ts'
import type { StreamLanes } from '../mesh/lane/stream-lanes.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import { Channel } from '../mesh/transport/channel.ts'
import type { Host } from '../mesh/transport/host.ts'
import type { Logger } from '../process/log.ts'
import type { DeviceGrants } from './device-grants.ts'
import { isProof } from './key-proof.ts'
import { connectMs, forwardsAtOnce, forwardsPerPeer, proofMs, recheckMs, ticketsPerPeer } from './limits.ts'

export interface ForwardServiceComponents {
  host: Host
  names: ProtocolNames
  admission: Pick<Admission, 'gate' | 'member'>
  streamLanes: Pick<StreamLanes, 'duplex'>
  grants: DeviceGrants
  fleet: string
  /** Our own peer ID. */
  peer: string
  /** Writes connections and refusals into the device's witnessed log. */
  audited?: Audited | undefined
  log: Logger
}

export interface ForwardLimits {
  readonly all: number
  readonly perPeer: number
}

/** What a signature has opened. */
export interface Ticket {
  readonly peer: string
  readonly user: string
  readonly key: string
}

interface Live extends Ticket {
  readonly id: PeerId
  readonly to: string
  readonly end: (reason: string) => void
}

type Ask = Extract<ForwardHello, { ask: unknown }>
type Connect = Extract<ForwardHello, { to: unknown }>

export class ForwardService {
  readonly #components: ForwardServiceComponents
  readonly #limits: ForwardLimits
  readonly #tickets = new Map<string, Ticket>()
  readonly #live = new Set<Live>()
  #recheck: NodeJS.Timeout | undefined
  #unfollow: (() => void) | undefined
  /** Open challenges, by controller: one that leaves them open holds up no other. */
  readonly #asking = new Map<string, number>()
  /** Connections that are not there yet count as well, by controller. */
  readonly #opening = new Map<string, number>()

  /** `limits`: connections at a time, of all controllers and of one. */
  constructor(
    components: ForwardServiceComponents,
    limits: ForwardLimits = { all: forwardsAtOnce, perPeer: forwardsPerPeer },
  ) {
    this.#components = components
    this.#limits = limits
  }

  async start(): Promise<void> {
    const { host, names, admission, grants } = this.#components
    admission.gate(names.forward)
    this.#unfollow = grants.onChange(() => this.#check())
    await host.handle(names.forward, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: forwardsPerPeer,
    })
  }

  async stop(): Promise<void> {
    await this.#components.host.unhandle(this.#components.names.forward)
    this.#unfollow?.()
    clearInterval(this.#recheck)
    for (const live of this.#live) live.end('the daemon stops')
  }

  /** What a ticket stands for; it is worth nothing to another peer. */
  ticketOf(peer: PeerId, ticket: Uint8Array): Ticket | undefined {
    const held = this.#tickets.get(Buffer.from(ticket).toString('hex'))
    return held?.peer === peer.toString() ? held : undefined
  }

  /** What its key may do now. */
  rightsOf({ user, key }: Ticket): readonly string[] {
    return this.#components.grants.rights(user).get(key)?.may ?? []
  }

  #accept(stream: Stream, connection: Connection): void {
    // Read from the first tick on.
    const channel = new Channel(stream)
    this.#serve(channel, connection).catch(thrown => {
      channel.abort(thrown)
      this.#components.log.debug(
        { peer: connection.remotePeer.toString(), reason: messageOf(thrown) },
        'nothing was forwarded',
      )
    })
  }

  async #serve(channel: Channel, connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    const hello = await channel.receive(forwardHelloCodec)
    const problem =
      'ask' in hello ? await this.#ticketFor(channel, peer, hello) : await this.#connect(channel, connection, hello)
    if (problem === undefined) return
    const { error, reason } = problem
    const about = 'ask' in hello ? { user: hello.ask.user } : { to: hello.to }
    const said = { peer: peer.toString(), name: this.#nameOf(peer), ...about, ...problem }
    this.#components.log.warn(said, 'a forwarded connection was refused')
    void this.#components.audited?.('forward-refused', said)
    await channel.send(accessVerdictCodec, { error, ...(reason !== undefined && { reason }) })
    await channel.close()
  }

  async #ticketFor(channel: Channel, peer: PeerId, { ask }: Ask): Promise<Problem | undefined> {
    const { grants, fleet, peer: device, audited, log } = this.#components
    const { user, key } = ask
    if (!this.#isController(peer)) return { error: 'not-served' }
    const rights = grants.rights(user).get(key)
    if (rights?.may.some(right => right.startsWith('forward:') || right.startsWith('screen')) !== true)
      return { error: 'not-granted' }
    const asker = peer.toString()
    if ((this.#asking.get(asker) ?? 0) >= ticketsPerPeer) return { error: 'busy' }
    count(this.#asking, asker, 1)
    try {
      const challenge = randomBytes(hashLength)
      await channel.send(accessVerdictCodec, { challenge })
      const { signature } = await channel.receive(proofCodec, proofMs)
      const about = { fleet, device, controller: peer.toString(), user, challenge }
      if (!(await isProof(key, about, signature)))
        return { error: 'not-granted', reason: 'the signature is not of this key' }
    } catch (thrown) {
      if (!(thrown instanceof Error && 'syscall' in thrown)) throw thrown
      return { error: 'no-sshd', reason: messageOf(thrown).slice(0, 300) }
    } finally {
      count(this.#asking, asker, -1)
    }
    const mine = [...this.#tickets].filter(([, ticket]) => ticket.peer === peer.toString())
    const [oldest] = mine
    if (mine.length >= ticketsPerPeer && oldest !== undefined) this.#tickets.delete(oldest[0])
    const ticket = randomBytes(hashLength)
    this.#tickets.set(ticket.toString('hex'), { peer: peer.toString(), user, key })
    const said = { peer: peer.toString(), name: this.#nameOf(peer), user, fingerprint: sshFingerprint(key) }
    log.info({ ...said, operators: rights.operators }, 'an operator may open forwarded connections')
    void audited?.('forward-opened', { ...said, operators: rights.operators.join(', ') })
    await channel.send(accessVerdictCodec, { ok: true, ticket })
    await channel.close()
    return undefined
  }

  async #connect(channel: Channel, connection: Connection, { ticket, to }: Connect): Promise<Problem | undefined> {
    const peer = connection.remotePeer
    if (!this.#isController(peer)) return { error: 'not-served' }
    const held = this.ticketOf(peer, ticket)
    if (held === undefined || !this.#may(held, to)) return { error: 'not-granted' }
    const opening = [...this.#opening.values()].reduce((sum, count) => sum + count, 0)
    const ofPeer = [...this.#live].filter(live => live.peer === held.peer).length + (this.#opening.get(held.peer) ?? 0)
    if (this.#live.size + opening >= this.#limits.all || ofPeer >= this.#limits.perPeer) return { error: 'busy' }
    count(this.#opening, held.peer, 1)
    const socket = targetSocket(to)
    const failure = await connected(socket).finally(() => count(this.#opening, held.peer, -1))
    if (failure !== undefined) {
      socket.destroy()
      return { error: 'unreachable', reason: failure.slice(0, 300) }
    }
    const duplex = this.#components.streamLanes.duplex(channel, connection)
    const end = (reason: string) => {
      socket.destroy()
      duplex.destroy(new ThymeshError('closed', reason))
    }
    const live: Live = { ...held, id: peer, to, end }
    this.#live.add(live)
    this.#recheck ??= setInterval(() => this.#check(), recheckMs)
    const { log, audited } = this.#components
    log.info({ name: this.#nameOf(peer), user: held.user, to }, 'a forwarded connection began')
    void audited?.('forward-began', { peer: held.peer, name: this.#nameOf(peer), user: held.user, to })
    const over = () => {
      if (!duplex.closed || !socket.closed || !this.#live.delete(live)) return
      if (this.#live.size === 0) this.#recheck = void clearInterval(this.#recheck)
      const { bytesRead, bytesWritten } = socket
      log.info({ name: this.#nameOf(peer), to, bytesRead, bytesWritten }, 'a forwarded connection ended')
    }
    for (const each of [duplex, socket]) each.once('close', over).on('error', () => {})
    await channel.send(accessVerdictCodec, { ok: true }).catch(thrown => {
      end('its peer has gone')
      throw thrown
    })
    const ended = () => {}
    pipeline(duplex, socket, ended)
    pipeline(socket, duplex, ended)
    return undefined
  }

  #check(): void {
    for (const live of this.#live) {
      if (!this.#isController(live.id)) live.end('its peer is no controller any more')
      else if (!this.#may(live, live.to)) live.end('its grant has ended')
    }
  }

  #may(ticket: Ticket, to: string): boolean {
    return mayForward(this.rightsOf(ticket), to)
  }

  #isController(peer: PeerId): boolean {
    return this.#components.admission.member(peer)?.certificate.role === 'controller'
  }

  #nameOf(peer: PeerId): string | undefined {
    return this.#components.admission.member(peer)?.certificate.name
  }
}

/** Nobody stays in it with none. */
function count(of: Map<string, number>, key: string, more: 1 | -1): void {
  const now = (of.get(key) ?? 0) + more
  if (now > 0) of.set(key, now)
  else of.delete(key)
}

interface Problem {
  readonly error: AccessRefusal
  readonly reason?: string
}

/** Half-closed where one side is: programs may answer after the end of the question. */
function targetSocket(to: string): Socket {
  if (to.startsWith('unix:')) return connect({ path: to.slice('unix:'.length), allowHalfOpen: true })
  const target = to.slice('tcp:'.length)
  const at = target.lastIndexOf(':')
  const host = target.slice(0, at).replace(/^\[|\]$/g, '')
  return connect({ host, port: Number(target.slice(at + 1)), allowHalfOpen: true, noDelay: true })
}

/** Resolves to why it can't be connected; to nothing when it is. */
export async function connected(socket: Socket): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  socket.once('connect', () => resolve(undefined))
  socket.once('error', error => resolve(messageOf(error)))
  const late = setTimeout(() => resolve(`it did not answer within ${connectMs / 1000} s`), connectMs)
  return await promise.finally(() => clearTimeout(late))
}
