/**
 * Finds peers in the local networks by mDNS, separately on each interface: it needs no default route, and announces
 * on each network only the addresses reachable there.
 */

import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import {
  type ComponentLogger,
  type Logger,
  type PeerDiscovery,
  type PeerId,
  type PeerInfo,
  peerDiscoverySymbol,
  type Startable,
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { LRUCache } from 'lru-cache'
import { messageOf } from '../../../protocol/errors.ts'
import { TokenBucket } from '../../concurrency/token-bucket.ts'
import { discoveredPeers } from '../limits.ts'
import { mdnsAnswerMs, mdnsInterfacesMs, mdnsNewPeerMs, mdnsRepeatMs } from './limits.ts'
import { type MdnsInterface, mdnsInterfacesOf, type SystemInterfaces } from './mdns-interfaces.ts'
import { announcementPacket, type DiscoveredPeer } from './mdns-records.ts'
import { MdnsSocket } from './mdns-socket.ts'

export interface MdnsInit {
  /** The service name to query, one for each fleet: `_…._udp.local`. */
  service: string
  /** Called each time a peer is found; libp2p's own event is emitted only once. */
  found?: (peer: string, addresses: readonly Multiaddr[]) => void
  /** For tests; by default the operating system's. */
  interfaces?: () => SystemInterfaces
}

/** The components that libp2p provides. */
export interface MdnsComponents {
  peerId: PeerId
  addressManager: { getAddresses(): Multiaddr[] }
  connectionManager: { getConnections(): unknown[] }
  logger: ComponentLogger
}

/** For libp2p's `peerDiscovery`. */
export function mdns(init: MdnsInit): (components: MdnsComponents) => PeerDiscovery & Startable {
  // libp2p's own typed event target adds a type and helpers that aren't needed here.
  return components => new Mdns(components, init) as unknown as PeerDiscovery & Startable
}

class Mdns extends EventTarget implements Startable {
  readonly [peerDiscoverySymbol] = this
  readonly #components: MdnsComponents
  readonly #init: MdnsInit
  readonly #log: Logger
  readonly #instance = randomBytes(16).toString('hex')
  readonly #sockets = new Map<string, MdnsSocket>()
  readonly #told = new LRUCache<string, { addresses: string; at: number }>({ max: 2 * discoveredPeers })
  readonly #newPeers = new TokenBucket({ most: discoveredPeers, perSecond: 1000 / mdnsNewPeerMs })
  #timer: NodeJS.Timeout | undefined

  constructor(components: MdnsComponents, init: MdnsInit) {
    super()
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('thymesh:mdns')
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(), mdnsInterfacesMs)
    this.#look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    const sockets = [...this.#sockets.values()]
    this.#sockets.clear()
    await Promise.all(sockets.map(socket => socket.close()))
  }

  /** Opens sockets on new interfaces, closes those of vanished interfaces and replaces broken ones. */
  #look(): void {
    try {
      const there = new Map(mdnsInterfacesOf((this.#init.interfaces ?? networkInterfaces)()).map(on => [on.key, on]))
      for (const [key, socket] of this.#sockets) {
        if (there.has(key) && !socket.broken) continue
        this.#sockets.delete(key)
        void socket.close()
      }
      for (const [key, on] of there) if (!this.#sockets.has(key)) this.#sockets.set(key, this.#open(on))
    } catch (thrown) {
      this.#log.error('the network interfaces could not be read: %s', messageOf(thrown))
    }
  }

  #open(on: MdnsInterface): MdnsSocket {
    const { service } = this.#init
    return new MdnsSocket({
      on,
      service,
      instance: this.#instance,
      isAlone: () => this.#components.connectionManager.getConnections().length === 0,
      announcement: () =>
        announcementPacket(service, this.#instance, this.#components.addressManager.getAddresses(), on),
      found: found => this.#tell(found, on),
      log: text => this.#log.error('%s', text),
    })
  }

  #tell({ peer, addresses }: DiscoveredPeer, on: MdnsInterface): void {
    if (peer === this.#components.peerId.toString()) return
    const key = `${on.name} ${peer}`
    const now = performance.now()
    const text = addresses.join(' ')
    const last = this.#told.peek(key)
    // No honest peer changes its addresses faster than it may answer.
    if (last !== undefined && now - last.at < (last.addresses === text ? mdnsRepeatMs : mdnsAnswerMs)) return
    if (last === undefined && !this.#newPeers.take()) return
    this.#told.set(key, { addresses: text, at: now })
    const detail: PeerInfo = {
      id: peerIdFromString(peer),
      multiaddrs: addresses.map(address => address.decapsulate('/p2p')),
    }
    this.dispatchEvent(new CustomEvent('peer', { detail }))
    this.#init.found?.(peer, detail.multiaddrs)
  }
}
