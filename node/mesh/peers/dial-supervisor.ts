/** Keeps the peer connected: continuously dials bootstrap peers, known members and discovered peers. */

import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { LRUCache } from 'lru-cache'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import {
  addressesPerPeer,
  bookedPeers,
  dialTimeoutMs,
  discoveredPeers,
  redialAloneMs,
  redialFirstMs,
  redialLastMs,
  redialSettledMs,
  relayAfterMs,
  superviseIntervalMs,
  wantedBootstrapPeers,
  wantedConnections,
  wantedRelayed,
} from '../limits.ts'
import type { Host } from '../transport/host.ts'
import { isRelayed, wayOf } from '../transport/way.ts'
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

class DialError extends ThymeshError<'unknown'> {}

export interface SupervisorComponents {
  host: Host
  admission: Pick<Admission, 'isRefused' | 'member' | 'on'>
  addresses: AddressBook
  log: Logger
  /** Reaches a peer through a hub, if that is possible; never rejects. */
  byHub?: (peer: string, signal: AbortSignal) => Promise<Connection | undefined>
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
        // A dialled address has proved to work, unlike an announced one, or one that was there only for one meeting.
        const isLasting = connection.direction === 'outbound' && wayOf(connection).kind === 'direct'
        if (isLasting) await addresses.addDialled(peer, connection.remoteAddr.toString())
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

  /** Peers that were found in the local network. */
  get discoveredCount(): number {
    return this.#discovered.size
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
    const relayed = connections.filter(isRelayed)
    // Who is in the same network now needs no hub.
    const near = new Set(connections.filter(each => !isRelayed(each)).map(({ remotePeer }) => remotePeer.toString()))
    // Inbound connections of strangers must not replace the members that we would dial.
    const counted = connections.filter(each => each.direction === 'outbound' || admission.member(each.remotePeer))
    let open = new Set(counted.map(({ remotePeer }) => remotePeer.toString())).size
    const has = open === 0 ? 'none' : open >= wantedConnections ? 'enough' : 'some'
    const isOpen = ({ peer, found, isBootstrap }: Target) => isBootstrap && busy.has(peer ?? found ?? '')
    let bootstrap = this.#all().filter(isOpen).length
    const now = performance.now()
    for (const { peer, dialling } of this.#all()) {
      if (!dialling || peer === undefined) continue
      busy.add(peer)
      near.add(peer)
    }
    for (const target of shuffled(this.#all())) {
      const peer = target.peer ?? target.found
      const pauseMs = redialMs(target, has) * target.spread
      if (target.dialling || now - target.failedAt < pauseMs || peer === host.peerId.toString()) continue
      const there = target === this.#discovered.peek(peer ?? '') ? near : busy
      if (peer !== undefined && (there.has(peer) || admission.isRefused(peer))) continue
      const isWanted = target.isBootstrap && bootstrap < wantedBootstrapPeers
      if (!isWanted && open >= wantedConnections) continue
      open++
      if (target.isBootstrap) bootstrap++
      if (peer !== undefined) busy.add(peer)
      if (peer !== undefined) near.add(peer)
      void this.#dial(target, relayed.length < wantedRelayed)
    }
  }

  /** Never rejects. */
  async #dial(target: Target, mayRelay: boolean): Promise<void> {
    const { host, log } = this.#components
    target.dialling = true
    const askHubs = this.#hubsLater(mayRelay ? target.peer : undefined)
    try {
      const addresses = target.addresses().map(address => withPeer(address, target.peer))
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(dialTimeoutMs)])
      if (addresses.length > 0) {
        // After a failure start with another address: one that drops packets takes nearly all of the dial's time.
        const first = target.failures % addresses.length
        const connection = await host.dial([...addresses.slice(first), ...addresses.slice(0, first)], { signal })
        target.found = connection.remotePeer.toString()
        void askHubs('never')
      } else if (target.peer !== undefined) await this.#lookUp(target.peer, signal)
      // A connection isn't a success before the other side admits us: it may drop us each time.
      target.failures++
    } catch (thrown) {
      log.debug({ peer: target.peer, reason: messageOf(thrown) }, 'a dial failed')
      target.found = undefined
      target.failures++
      await askHubs('now')
    } finally {
      target.failedAt = performance.now()
      target.spread = 0.5 + Math.random()
      target.dialling = false
    }
  }

  /** Asks hubs for a peer whose addresses don't answer soon, as those behind a NAT; or at once, or never. Never rejects. */
  #hubsLater(peer: string | undefined): (when: 'now' | 'never') => Promise<unknown> {
    const { byHub } = this.#components
    let asked: Promise<unknown> | undefined
    const ask = () => {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(dialTimeoutMs)])
      asked ??= peer === undefined ? Promise.resolve() : byHub?.(peer, signal)
      return asked ?? Promise.resolve()
    }
    const timer = setTimeout(ask, relayAfterMs)
    return async when => {
      clearTimeout(timer)
      if (when === 'now') await ask()
    }
  }

  /** Looks a member without a known address up in the DHT, if there is one. */
  async #lookUp(peer: string, signal: AbortSignal): Promise<void> {
    const { host } = this.#components
    if (host.services.dht === undefined) throw new DialError('unknown', 'no address of the peer is known')
    const found = await host.peerRouting.findPeer(peerIdFromString(peer), { signal })
    await host.dial(found.multiaddrs, { signal })
  }
}

/**
 * The pause before a target is dialled again, by how many connections there are. Who has enough asks a bootstrap peer ever
 * more rarely: it may be full, and the whole fleet asks. Who has none asks it often: a device that joins, or is cut off,
 * has to meet an operator whose commands run for seconds.
 */
export function redialMs(
  { failures, isBootstrap }: Pick<Target, 'failures' | 'isBootstrap'>,
  has: 'none' | 'some' | 'enough',
): number {
  const last = { none: isBootstrap ? redialAloneMs : redialLastMs, some: redialLastMs, enough: redialSettledMs }[has]
  return Math.min(last, redialFirstMs * 2 ** Math.min(failures, 20))
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
