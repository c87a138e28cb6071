/** Keeps the peer connected: dials bootstrap peers, members of the address book and what was discovered, for ever. */

import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../../protocol/errors.ts'
import { dialTimeoutMs, redialFirstMs, redialLastMs, superviseIntervalMs, wantedConnections } from '../defaults.ts'
import type { Logger } from '../log.ts'
import type { AddressBook } from './address-book.ts'
import type { Admission } from './admission.ts'
import type { Host } from './host.ts'

interface Target {
  addresses: () => Multiaddr[]
  peer: string | undefined
  /** Bootstrap peers are dialled even when there are connections enough. */
  always: boolean
  delayMs: number
  notBefore: number
  dialling: boolean
}

export interface SupervisorComponents {
  host: Host
  admission: Admission
  addresses: AddressBook
  log: Logger
}

export class DialSupervisor {
  readonly #components: SupervisorComponents
  readonly #targets = new Map<string, Target>()
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(components: SupervisorComponents, init: { bootstrap: readonly string[] }) {
    this.#components = components
    for (const text of init.bootstrap) {
      const address = multiaddr(text)
      this.#add(text, { addresses: () => [address], peer: peerOf(address), always: true })
    }
  }

  start(): void {
    const { host, addresses, admission } = this.#components
    for (const peer of addresses.peers()) this.#addMember(peer)
    host.addEventListener('peer:discovery', ({ detail }) => {
      const found = detail.multiaddrs
      this.#add(`discovered/${detail.id}`, { addresses: () => found, peer: detail.id.toString(), always: false })
    })
    // Where a member was reached is worth more than where it says that it listens.
    admission.on('admitted', ({ peer }) => this.#addMember(peer.toString()))
    host.addEventListener('peer:identify', ({ detail }) => {
      const { connection, listenAddrs, peerId } = detail
      const reached = connection.direction === 'outbound' ? [connection.remoteAddr.toString()] : []
      void addresses.add(peerId.toString(), [...reached, ...listenAddrs.map(String)])
    })
    this.#timer = setInterval(() => this.#supervise(), superviseIntervalMs)
    this.#supervise()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#abort.abort(new Error('the peer stops'))
  }

  /** Forgets waiting times, after the network has changed or when a person waits. */
  hurry(): void {
    for (const target of this.#targets.values()) target.notBefore = 0
    this.#supervise()
  }

  #addMember(peer: string): void {
    const { addresses } = this.#components
    this.#add(peer, { addresses: () => addresses.addresses(peer).map(text => multiaddr(text)), peer, always: false })
  }

  #add(key: string, target: Pick<Target, 'addresses' | 'peer' | 'always'>): void {
    const known = this.#targets.get(key)
    if (known !== undefined) known.addresses = target.addresses
    else this.#targets.set(key, { ...target, delayMs: redialFirstMs, notBefore: 0, dialling: false })
  }

  #supervise(): void {
    const { host, admission, addresses } = this.#components
    for (const peer of addresses.peers()) if (!this.#targets.has(peer)) this.#addMember(peer)
    const connected = new Set(host.getPeers().map(String))
    let open = connected.size
    const now = Date.now()
    for (const target of shuffled([...this.#targets.values()])) {
      const { peer } = target
      if (target.dialling || target.notBefore > now || peer === host.peerId.toString()) continue
      if (peer !== undefined && (connected.has(peer) || admission.isRefused(peer))) continue
      if (peer === undefined && this.#isConnectedTo(target)) continue
      if (!target.always && open >= wantedConnections) continue
      open++
      void this.#dial(target)
    }
  }

  async #dial(target: Target): Promise<void> {
    const { host, log } = this.#components
    target.dialling = true
    try {
      const addresses = target.addresses().map(address => withPeer(address, target.peer))
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(dialTimeoutMs)])
      if (addresses.length > 0) await host.dial(addresses, { signal })
      else if (target.peer !== undefined) await this.#lookUp(target.peer, signal)
      target.delayMs = redialFirstMs
    } catch (thrown) {
      log.debug({ peer: target.peer, reason: messageOf(thrown) }, 'a dial failed')
      target.delayMs = Math.min(redialLastMs, target.delayMs * 2)
    } finally {
      target.dialling = false
      target.notBefore = Date.now() + target.delayMs * (0.5 + Math.random())
    }
  }

  /** A member without an address: asked of the DHT, where there is one. */
  async #lookUp(peer: string, signal: AbortSignal): Promise<void> {
    const { host } = this.#components
    if (host.services.dht === undefined) return
    const found = await host.peerRouting.findPeer(peerIdFromString(peer), { signal })
    await host.dial(found.multiaddrs, { signal })
  }

  /** Whether a bootstrap address without a peer ID is one of our connections. */
  #isConnectedTo(target: Target): boolean {
    const texts = new Set(target.addresses().map(String))
    const open = this.#components.host.getConnections()
    return open.some(({ remoteAddr }) => texts.has(remoteAddr.toString().replace(/\/p2p\/[^/]+$/, '')))
  }
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
