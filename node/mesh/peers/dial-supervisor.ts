/** Keeps the peer connected: continuously dials bootstrap peers, known members and discovered peers. */

import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { LRUCache } from 'lru-cache'
import { messageOf } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import {
  addressesPerPeer,
  bookedPeers,
  dialTimeoutMs,
  discoveredPeers,
  redialFirstMs,
  redialLastMs,
  redialSettledMs,
  superviseIntervalMs,
  wantedBootstrapPeers,
  wantedConnections,
} from '../limits.ts'
import type { Host } from '../transport/host.ts'
import type { AddressBook } from './address-book.ts'
import type { Admission } from './admission.ts'

interface Target {
  addresses: () => Multiaddr[]
  /** The peer ID; undefined if only an address is known. */
  readonly peer: string | undefined
  /** The peer that answered there last. */
  found: string | undefined
  /** A bootstrap peer: some of them are dialled even with enough connections. */
  readonly isBootstrap: boolean
  failures: number
  /** The end of the last failed dial, and what varies the pause after it. */
  failedAt: number
  spread: number
  dialling: boolean
}

export interface SupervisorComponents {
  host: Host
  admission: Pick<Admission, 'isRefused' | 'member' | 'on'>
  addresses: AddressBook
  log: Logger
}

export class DialSupervisor {
  readonly #components: SupervisorComponents
  /** Bootstrap peers, by address. */
  readonly #targets = new Map<string, Target>()
  readonly #members = new Map<string, Target>()
  readonly #discovered = new LRUCache<string, Target>({ max: discoveredPeers })
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(components: SupervisorComponents, init: { bootstrap: readonly string[] }) {
    this.#components = components
    for (const text of init.bootstrap) {
      const address = multiaddr(text)
      this.#targets.set(
        text,
        newTarget(() => [address], peerOf(address), true),
      )
    }
  }

  start(): void {
    const { host, addresses, admission, log } = this.#components
    for (const peer of addresses.peers()) this.#addMember(peer)
    admission.on('admitted', ({ peer }) => {
      this.#addMember(peer.toString())
      for (const target of this.#all()) {
        if ((target.peer ?? target.found) !== peer.toString()) continue
        reset(target)
      }
    })
    host.addEventListener('peer:identify', ({ detail }) => {
      const { connection, listenAddrs, peerId } = detail
      const peer = peerId.toString()
      const note = async () => {
        // A dialled address has proved to work, unlike an announced one.
        if (connection.direction === 'outbound') await addresses.addDialled(peer, connection.remoteAddr.toString())
        await addresses.addAnnounced(peer, listenAddrs.map(String))
      }
      note().catch(error => log.warn({ peer, reason: messageOf(error) }, 'an address was not stored'))
    })
    this.#timer = setInterval(() => this.#supervise(), superviseIntervalMs)
    this.#supervise()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#abort.abort(new Error('the peer stops'))
  }

  /** Removes all that is known of where a former member is. Never rejects. */
  async forget(peer: string): Promise<void> {
    const { host, addresses, log } = this.#components
    this.#members.delete(peer)
    this.#discovered.delete(peer)
    try {
      await addresses.remove(peer)
      // libp2p writes there again when a connection ends.
      await host.hangUp(peerIdFromString(peer)).catch(() => {})
      await host.peerStore.delete(peerIdFromString(peer))
    } catch (thrown) {
      log.warn({ peer, reason: messageOf(thrown) }, 'addresses of a former member were not removed')
    }
  }

  #all(): Target[] {
    return [...this.#targets.values(), ...this.#members.values(), ...this.#discovered.values()]
  }

  /** Members without an address are dialled too: the DHT may know one. */
  #addMember(peer: string): void {
    if (this.#members.has(peer)) return
    const { addresses } = this.#components
    const known = () => addresses.addresses(peer).map(text => multiaddr(text))
    this.#members.set(peer, newTarget(known, peer, false))
  }

  /** Members whose addresses the book has dropped for others are targets only while they are connected. */
  #dropUnknown(connected: ReadonlySet<string>): void {
    if (this.#members.size <= bookedPeers) return
    const known = new Set(this.#components.addresses.peers())
    for (const [peer, { dialling }] of this.#members) {
      if (!dialling && !known.has(peer) && !connected.has(peer)) this.#members.delete(peer)
    }
  }

  /** Adds a peer discovered on the local network; a new address is dialled at once. */
  discovered(peer: string, found: readonly Multiaddr[]): void {
    const addresses = () => found.slice(0, addressesPerPeer)
    const known = this.#discovered.get(peer) ?? newTarget(addresses, peer, false)
    const moved = String(known.addresses()) !== String(addresses())
    if (moved) reset(known)
    known.addresses = addresses
    this.#discovered.set(peer, known)
  }

  #supervise(): void {
    if (this.#abort.signal.aborted) return
    const { host, admission, addresses } = this.#components
    for (const peer of addresses.peers()) this.#addMember(peer)
    const connections = host.getConnections()
    const busy = new Set(connections.map(({ remotePeer }) => remotePeer.toString()))
    this.#dropUnknown(busy)
    // Inbound connections of strangers must not replace the members that we would dial.
    const counted = connections.filter(each => each.direction === 'outbound' || admission.member(each.remotePeer))
    let open = new Set(counted.map(({ remotePeer }) => remotePeer.toString())).size
    const hasEnough = open >= wantedConnections
    const isOpen = ({ peer, found, isBootstrap }: Target) => isBootstrap && busy.has(peer ?? found ?? '')
    let bootstrap = this.#all().filter(isOpen).length
    const now = performance.now()
    for (const { peer, dialling } of this.#all()) if (dialling && peer !== undefined) busy.add(peer)
    for (const target of shuffled(this.#all())) {
      const peer = target.peer ?? target.found
      const pauseMs = redialMs(target.failures, hasEnough) * target.spread
      if (target.dialling || now - target.failedAt < pauseMs || peer === host.peerId.toString()) continue
      if (peer !== undefined && (busy.has(peer) || admission.isRefused(peer))) continue
      const isWanted = target.isBootstrap && bootstrap < wantedBootstrapPeers
      if (!isWanted && open >= wantedConnections) continue
      open++
      if (target.isBootstrap) bootstrap++
      if (peer !== undefined) busy.add(peer)
      void this.#dial(target)
    }
  }

  /** Never rejects. */
  async #dial(target: Target): Promise<void> {
    const { host, log } = this.#components
    target.dialling = true
    try {
      const addresses = target.addresses().map(address => withPeer(address, target.peer))
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(dialTimeoutMs)])
      if (addresses.length > 0) {
        // After a failure start with another address: one that drops packets takes nearly all of the dial's time.
        const first = target.failures % addresses.length
        const connection = await host.dial([...addresses.slice(first), ...addresses.slice(0, first)], { signal })
        target.found = connection.remotePeer.toString()
      } else if (target.peer !== undefined) await this.#lookUp(target.peer, signal)
      // A connection isn't a success before the other side admits us: it may drop us each time.
      target.failures++
    } catch (thrown) {
      log.debug({ peer: target.peer, reason: messageOf(thrown) }, 'a dial failed')
      target.found = undefined
      target.failures++
    } finally {
      target.failedAt = performance.now()
      target.spread = 0.5 + Math.random()
      target.dialling = false
    }
  }

  /** Looks a member without a known address up in the DHT, if there is one. */
  async #lookUp(peer: string, signal: AbortSignal): Promise<void> {
    const { host } = this.#components
    if (host.services.dht === undefined) return
    const found = await host.peerRouting.findPeer(peerIdFromString(peer), { signal })
    await host.dial(found.multiaddrs, { signal })
  }
}

/**
 * The pause before a target is dialled again. Who has enough connections asks a bootstrap peer ever more rarely: it may be
 * full, and the whole fleet asks.
 */
export function redialMs(failures: number, hasEnough: boolean): number {
  return Math.min(hasEnough ? redialSettledMs : redialLastMs, redialFirstMs * 2 ** Math.min(failures, 20))
}

function newTarget(addresses: () => Multiaddr[], peer: string | undefined, isBootstrap: boolean): Target {
  const never = { failures: 0, failedAt: Number.NEGATIVE_INFINITY, spread: 1 }
  return { addresses, peer, found: undefined, isBootstrap, ...never, dialling: false }
}

function reset(target: Target): void {
  target.failures = 0
  target.failedAt = Number.NEGATIVE_INFINITY
}

function peerOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(component => component.name === 'p2p')?.value
}

function withPeer(address: Multiaddr, peer: string | undefined): Multiaddr {
  return peer === undefined || peerOf(address) !== undefined ? address : address.encapsulate(`/p2p/${peer}`)
}

function shuffled<T>(items: T[]): T[] {
  return items
    .map(item => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
