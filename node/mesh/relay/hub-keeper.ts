/** Keeps connections to hubs: the two that this peer prefers, and others in their place while these don't answer. */

import { EventEmitter } from 'node:events'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import { dialTimeoutMs, hubCheckMs, hubPingMs, hubPingTimeoutMs, wantedHubs } from '../limits.ts'
import type { AddressBook } from '../peers/address-book.ts'
import type { Admission } from '../peers/admission.ts'
import { redialMs } from '../peers/dial-supervisor.ts'
import type { Host } from '../transport/host.ts'
import { directTo } from '../transport/open-stream.ts'
import type { OwnPort } from '../transport/own-port.ts'
import { hubsInOrder } from './hub-order.ts'
import type { Reach, ReachLine } from './reach.ts'

interface Known {
  failures: number
  /** When it may be dialled again, and when it is pinged next, in milliseconds. */
  dialAt: number
  pingAt: number
  busy: boolean
  roundTripMs: number | undefined
  /** The stream on which it is pinged, and the connection that this belongs to. */
  line: ReachLine | undefined
  lineOf: Connection | undefined
}

export interface HubKeeperComponents {
  host: Host
  admission: Pick<Admission, 'isRefused' | 'member' | 'on'>
  addresses: Pick<AddressBook, 'addresses'>
  ownPort: Pick<OwnPort, 'isFrom'>
  reach: Pick<Reach, 'line'>
  /** Peer IDs of all hubs that there are. */
  hubs: () => readonly string[]
  /** Addresses that are known of a hub beside those of the book. */
  named?: (hub: string) => readonly string[]
  log: Logger
  /** How often each hub is pinged; by default `hubPingMs`. */
  pingMs?: number
  /** Milliseconds; for tests. */
  now?: () => number
}

interface Events {
  /** A connection to a hub was found dead, and ended. */
  dead: [string]
}

export class HubKeeper extends EventEmitter<Events> {
  readonly #components: HubKeeperComponents
  readonly #known = new Map<string, Known>()
  readonly #stop = new AbortController()
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined

  constructor(components: HubKeeperComponents) {
    super()
    this.#components = components
    this.#now = components.now ?? (() => performance.now())
  }

  start(): void {
    this.#components.admission.on('admitted', ({ peer }) => {
      const known = this.#known.get(peer.toString())
      if (known !== undefined) Object.assign(known, { failures: 0, dialAt: 0, pingAt: this.#now() })
    })
    this.#timer = setInterval(() => this.check(), hubCheckMs)
    this.check()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the peer stops'))
  }

  /** All hubs but this peer, the preferred ones first. */
  get all(): string[] {
    return hubsInOrder(this.#components.host.peerId.toString(), this.#components.hubs())
  }

  /** Those that are connected directly. */
  get connected(): string[] {
    return this.all.filter(hub => this.isConnected(hub))
  }

  isConnected(hub: string): boolean {
    const { host, admission } = this.#components
    const peer = peerIdFromString(hub)
    return admission.member(peer) !== undefined && directTo(host, peer) !== undefined
  }

  /** The last measured round trip to a hub. */
  roundTripMs(hub: string): number | undefined {
    return this.#known.get(hub)?.roundTripMs
  }

  /** Dials what is missing and pings what is there, as far as it is time. */
  check(): void {
    if (this.#stop.signal.aborted) return
    const { all } = this
    for (const hub of this.#known.keys()) if (!all.includes(hub)) this.#known.delete(hub)
    const now = this.#now()
    let there = 0
    for (const [place, hub] of all.entries()) {
      const known = this.#of(hub)
      const connected = this.isConnected(hub)
      if (connected && !known.busy && now >= known.pingAt) void this.#ping(hub, known)
      // The preferred ones are dialled even if others stand in for them: it is there that this peer is looked for.
      const wanted = place < wantedHubs || there < wantedHubs
      if (!connected && wanted && !known.busy && now >= known.dialAt) void this.dial(hub)
      if (connected || known.busy) there++
    }
  }

  /** Connects to a hub, if one of its addresses is known; resolves to whether there is a connection. Never rejects. */
  async dial(hub: string): Promise<boolean> {
    const { host, admission, log } = this.#components
    const peer = peerIdFromString(hub)
    if (directTo(host, peer) !== undefined) return true
    const addresses = this.#addressesOf(hub)
    const known = this.#of(hub)
    if (addresses.length === 0 || admission.isRefused(hub) || known.busy) return false
    known.busy = true
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(dialTimeoutMs)])
      await host.dial(addresses, { signal })
      return true
    } catch (thrown) {
      log.debug({ hub, reason: messageOf(thrown) }, 'a hub was not reached')
      return false
    } finally {
      known.busy = false
      // A connection isn't a success before the hub admits us.
      known.failures++
      known.dialAt =
        this.#now() + redialMs({ failures: known.failures, isBootstrap: false }, 'some') * (0.5 + Math.random())
    }
  }

  /** A connection to a hub that leaves from our own port, if necessary beside another one. Rejects if there is no way. */
  async fromOwnPort(hub: string, signal: AbortSignal): Promise<Connection> {
    const { host, ownPort } = this.#components
    const known = host.getConnections(peerIdFromString(hub))
    const found = known.find(each => each.status === 'open' && ownPort.isFrom(each))
    return found ?? (await host.dial(this.#addressesOf(hub), { signal, force: true }))
  }

  #addressesOf(hub: string): Multiaddr[] {
    const { addresses, named } = this.#components
    const all = new Set([...addresses.addresses(hub), ...(named?.(hub) ?? [])])
    return [...all].map(text => multiaddr(`${text}/p2p/${hub}`))
  }

  /** Ends the connection when two pings in a row are not answered. Never rejects. */
  async #ping(hub: string, known: Known): Promise<void> {
    const { host, log } = this.#components
    const connection = directTo(host, peerIdFromString(hub))
    known.busy = true
    try {
      for (let left = 2; left > 0 && connection?.status === 'open'; left--) {
        if (await this.#answers(connection, known)) return
        if (this.#stop.signal.aborted) return
      }
      if (connection?.status !== 'open') return
      log.info({ hub }, 'a hub no longer answers')
      connection.abort(new Error('the hub no longer answers'))
      this.emit('dead', hub)
    } finally {
      known.busy = false
      known.pingAt = this.#now() + (this.#components.pingMs ?? hubPingMs)
    }
  }

  /** Never rejects. */
  async #answers(connection: Connection, known: Known): Promise<boolean> {
    const { reach } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(hubPingTimeoutMs)])
    try {
      if (known.line?.isOpen() !== true || known.lineOf !== connection) {
        known.line?.end(new Error('another connection is used'))
        known.line = await reach.line(connection, signal)
        known.lineOf = connection
      }
      known.roundTripMs = await known.line.ask(hubPingTimeoutMs)
      return true
    } catch (thrown) {
      known.line?.end(thrown)
      known.line = undefined
      // A relay of an older version answers all the same.
      return thrown instanceof Error && thrown.name === 'UnsupportedProtocolError'
    }
  }

  #of(hub: string): Known {
    const nothing = { roundTripMs: undefined, line: undefined, lineOf: undefined }
    const known = this.#known.get(hub) ?? { failures: 0, dialAt: 0, pingAt: 0, busy: false, ...nothing }
    this.#known.set(hub, known)
    return known
  }
}
