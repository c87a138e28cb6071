/**
 * A port at the router through which others reach this peer: asked for, renewed, given back. It is told to others only after
 * one of them has reached this peer there: a router may say anything.
 */

import { hkdfSync } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Connection } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import type { TcpEnd } from '../../../protocol/messages/relay.ts'
import type { Logger } from '../../process/log.ts'
import { dialTimeoutMs } from '../limits.ts'
import type { Admission } from '../peers/admission.ts'
import { inList, ownNetworks } from '../peers/networks.ts'
import { askForPort } from '../router/ask-for-port.ts'
import { type Mapper, type Mapping, RouterError } from '../router/asked.ts'
import {
  portAgainMs,
  portCheckMs,
  portLeaseSeconds,
  portRenewMs,
  portWitnesses,
  routerEndMs,
  routerRoundMs,
} from '../router/limits.ts'
import { findRouter, type Router } from '../router/router.ts'
import type { Host } from '../transport/host.ts'
import type { MappedAddress } from '../transport/mapped-address.ts'
import { directTo } from '../transport/open-stream.ts'
import { endOfAddress } from './ends.ts'
import type { HubKeeper } from './hub-keeper.ts'
import type { Reach } from './reach.ts'

export interface MappedPortComponents {
  host: Host
  admission: Pick<Admission, 'members' | 'on'>
  keeper: Pick<HubKeeper, 'isConnected'>
  reach: Pick<Reach, 'ask'>
  /** Where the address is told from. */
  mapped: MappedAddress
  log: Logger
  /** By default that of this machine. */
  router?: () => Promise<Router | undefined>
}

/** What has become of it. `asking`: nothing is known yet. `unheard`: this peer doesn't listen where the router could reach it. */
export type PortState =
  | { readonly kind: 'off' | 'asking' | 'unheard' | 'no-router' }
  | { readonly kind: 'absent' | 'refused'; readonly reason: string }
  | {
      readonly kind: 'mapped'
      readonly by: Mapper
      /** As the router says. */
      readonly ip: string | undefined
      readonly port: number
      /** Milliseconds since 1970; undefined if the router keeps it for ever. */
      readonly until: number | undefined
      /** Where another peer has reached this one; undefined before that. */
      readonly reached: TcpEnd | undefined
      /** Whether somebody has tried in vain. */
      readonly tried: boolean
    }

interface Kept {
  readonly mapping: Mapping
  /** The router's address. */
  readonly router: string
  /** This machine's end: its address at the router, and the port where it listens. */
  readonly local: string
  readonly port: number
}

export class MappedPort {
  readonly #components: MappedPortComponents
  readonly #seed: Uint8Array
  readonly #stop = new AbortController()
  #state: PortState
  #kept: Kept | undefined
  #timer: NodeJS.Timeout | undefined
  #renewAt = 0
  #confirmAt = 0
  #busy: Promise<void> | undefined

  /** `seed` is the peer's secret. */
  constructor(components: MappedPortComponents, { isOn, seed }: { isOn: boolean; seed: Uint8Array }) {
    this.#components = components
    this.#seed = seed
    this.#state = { kind: isOn ? 'asking' : 'off' }
  }

  get state(): PortState {
    return this.#state
  }

  start(): void {
    if (this.#state.kind === 'off') return
    this.#components.admission.on('admitted', () => this.#check())
    this.#timer = setInterval(() => this.#check(), portCheckMs)
  }

  /** The network may be another one now. */
  retry(): void {
    this.#renewAt = 0
    this.#confirmAt = 0
  }

  /** Gives the port back, if the router answers in time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the peer stops'))
    await this.#busy
    this.#components.mapped.set(undefined)
    if (this.#kept !== undefined) await this.#giveBack(this.#kept)
    this.#kept = undefined
  }

  /** Never rejects. */
  async #giveBack({ mapping }: Kept): Promise<void> {
    try {
      await mapping.end(AbortSignal.timeout(routerEndMs))
    } catch (thrown) {
      const said = 'the port was not given back to the router: it ends by itself'
      this.#components.log.info({ reason: messageOf(thrown) }, said)
    }
  }

  #check(): void {
    if (this.#stop.signal.aborted || this.#busy !== undefined) return
    this.#busy = this.#round()
      .catch((thrown: unknown) => {
        this.#components.log.warn({ reason: messageOf(thrown) }, "the router's port was not looked after")
      })
      .finally(() => {
        this.#busy = undefined
      })
  }

  async #round(): Promise<void> {
    if (performance.now() >= this.#renewAt) {
      this.#renewAt = performance.now() + portRenewMs
      await this.#renew()
    }
    if (this.#kept !== undefined && performance.now() >= this.#confirmAt) await this.#confirm(this.#kept)
  }

  async #renew(): Promise<void> {
    const { router = findRouter } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(routerRoundMs)])
    const kept = this.#kept
    let hasMoved = false
    try {
      const found = await router()
      if (found === undefined) return await this.#leave({ kind: 'no-router' })
      const port = this.#listensAt(found.local)
      if (port === undefined) return await this.#leave({ kind: 'unheard' })
      hasMoved = kept !== undefined && kept.router !== found.address
      const before = kept?.mapping
      const nonce = nonceOf(this.#seed, port)
      const wish = { port, outside: before?.port ?? port, seconds: portLeaseSeconds, nonce, first: before?.by }
      const mapping = await askForPort(found, wish, signal)
      const isSame = !hasMoved && mapping.port === before?.port && mapping.ip === before.ip
      this.#kept = { mapping, router: found.address, local: found.local, port }
      if (!isSame) this.#confirmAt = 0
      // Some routers give less than they are asked for.
      const halfMs = (mapping.seconds ?? portLeaseSeconds) * 500
      this.#renewAt = performance.now() + Math.min(portRenewMs, Math.max(portAgainMs / 2, halfMs))
      const { reached, tried } =
        isSame && this.#state.kind === 'mapped' ? this.#state : { reached: undefined, tried: false }
      if (reached === undefined) this.#components.mapped.set(undefined)
      const until = mapping.seconds === undefined ? undefined : Date.now() + mapping.seconds * 1000
      const { by, ip } = mapping
      this.#say({ kind: 'mapped', by, ip, port: mapping.port, until, reached, tried })
      // At the same router it may be the same one, or that of another machine by now.
      if (hasMoved && kept !== undefined) await this.#giveBack(kept)
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      const isAbsent = thrown instanceof RouterError && thrown.code === 'absent'
      if (isAbsent && this.#lasts && !hasMoved) {
        // Some packets were lost, or the router starts again: what it promised may still hold.
        this.#renewAt = performance.now() + portAgainMs
        return
      }
      const state: PortState = { kind: isAbsent ? 'absent' : 'refused', reason: messageOf(thrown) }
      if (hasMoved) await this.#leave(state)
      else this.#lose(state)
    }
  }

  /** Asks others whether they reach this peer at the router's port, where they see this peer. Never rejects. */
  async #confirm({ mapping, local, port }: Kept): Promise<void> {
    const answers = await Promise.all(this.#witnesses(mapping).map(each => this.#ask(each, mapping, local)))
    const { state } = this
    const known = answers.filter(each => each !== undefined)
    if (this.#stop.signal.aborted || state.kind !== 'mapped') return
    if (known.length === 0) {
      // Each question is one of few that a witness answers in a minute.
      if (answers.length > 0) this.#confirmAt = performance.now() + portAgainMs
      return
    }
    const reached = known.find(each => typeof each === 'object')
    if (reached === undefined && !known.includes('no')) {
      this.#confirmAt = performance.now() + portAgainMs
      return
    }
    // One that was reached is asked about again with each renewal; one that wasn't may be as soon as it may be asked.
    this.#confirmAt = performance.now() + (reached === undefined ? portAgainMs : portRenewMs)
    this.#components.mapped.set(reached && { local: { ip: local, port }, end: reached })
    this.#say({ ...state, reached, tried: true })
  }

  /**
   * A hub is believed in where it sees this peer, as in meetings. Another member could send all others to a stranger's
   * door, and is believed only if the router says the same.
   */
  #witnesses({ ip }: Mapping): Connection[] {
    const { host, admission, keeper } = this.#components
    const direct = admission.members.flatMap(({ peer }) => directTo(host, peer) ?? [])
    const isHub = ({ remotePeer }: Connection) => keeper.isConnected(remotePeer.toString())
    const near = ownNetworks()
    const isOutside = (each: Connection) => !inList(near, endOfAddress(each.remoteAddr)?.ip ?? '127.0.0.1')
    const others = direct.filter(each => !isHub(each) && isOutside(each) && ip !== undefined)
    return [...direct.filter(isHub), ...others].slice(0, portWitnesses)
  }

  /** Where this peer was reached; `no` if it wasn't, undefined if nobody knows. Never rejects. */
  async #ask(witness: Connection, { port, ip }: Mapping, local: string): Promise<TcpEnd | 'later' | 'no' | undefined> {
    const { reach, keeper } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(dialTimeoutMs)])
    try {
      const { seen, dialled } = await reach.ask(witness, port, signal)
      // Who sees this peer's own address is in its network: the router wasn't in between.
      if (seen === undefined || dialled === undefined || !isIPv4(seen.ip) || isOwn(seen.ip, local)) return undefined
      if (dialled !== 'yes') return dialled
      const isBelieved = keeper.isConnected(witness.remotePeer.toString()) || seen.ip === ip
      return isBelieved ? { ip: seen.ip, port } : 'no'
    } catch {
      return undefined
    }
  }

  get #lasts(): boolean {
    return this.#state.kind === 'mapped' && Date.now() < (this.#state.until ?? Number.POSITIVE_INFINITY)
  }

  /** The network is another one, or there is none: the router of before may still be in reach, by another way. */
  async #leave(state: PortState): Promise<void> {
    const kept = this.#lasts ? this.#kept : undefined
    this.#lose(state)
    if (kept !== undefined) await this.#giveBack(kept)
  }

  #lose(state: PortState): void {
    this.#kept = undefined
    this.#components.mapped.set(undefined)
    this.#say(state)
  }

  /** One line in the log for each change, not for each renewal. */
  #say(state: PortState): void {
    const [before, now] = [this.#state, state].map(({ ...each }) => JSON.stringify({ ...each, until: undefined }))
    this.#state = state
    if (before !== now) this.#components.log.info({ portMapping: state }, sentenceOf(state))
  }

  /** The port at which this peer listens for what the router passes on. */
  #listensAt(local: string): number | undefined {
    const ends = this.#components.host.getMultiaddrs().flatMap(address => endOfAddress(address) ?? [])
    return ends.find(({ ip }) => ip === local)?.port
  }
}

/** A sentence for people. */
export function sentenceOf(state: PortState): string {
  switch (state.kind) {
    case 'off':
      return 'off: the router is asked for no port'
    case 'asking':
      return 'the router is being asked'
    case 'unheard':
      return "this peer doesn't listen at the address that the router knows"
    case 'no-router':
      return 'this machine has no default route of IPv4'
    case 'absent':
    case 'refused':
      return state.reason
    case 'mapped': {
      const { by, reached, port, until, ip = 'unknown address', tried } = state
      const lasts =
        until === undefined ? 'until it is given back' : `until ${new Date(until).toISOString().slice(0, 19)}Z`
      if (reached !== undefined) return `mapped to ${reached.ip}:${reached.port} by ${by} ${lasts}`
      const known = tried ? 'nobody reaches this peer there' : 'nobody has tried yet'
      return `the router says ${ip}:${port} by ${by} ${lasts}, but ${known}`
    }
  }
}

function isOwn(ip: string, local: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  return ip === local || own.some(({ address }) => address === ip)
}

/** The same after each start: the router takes another one for another machine's. */
function nonceOf(seed: Uint8Array, port: number): Uint8Array {
  return Buffer.from(hkdfSync('sha256', seed, Buffer.alloc(0), `thymesh port mapping ${port}`, 12))
}
