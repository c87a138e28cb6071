/** The way of a connection: direct, punched through NATs, or through a hub. */

import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

export type WayKind = 'direct' | 'punched' | 'relayed'

export interface Way {
  readonly kind: WayKind
  /** The peer ID of the hub of a relayed connection. */
  readonly hub?: string
}

const punched = new WeakSet<object>()

/** Notes that a connection was opened by both sides at once: nobody can dial its address. */
export function markPunched(connection: Connection): void {
  punched.add(connection)
}

export function wayOf(connection: Pick<Connection, 'remoteAddr'>): Way {
  const relayed = relayedParts(connection.remoteAddr)
  if (relayed !== undefined) return { kind: 'relayed', hub: relayed.hub }
  return { kind: punched.has(connection) ? 'punched' : 'direct' }
}

export function isRelayed({ remoteAddr }: Pick<Connection, 'remoteAddr'>): boolean {
  return relayedParts(remoteAddr) !== undefined
}

/** The address of a peer through a hub. */
export function relayedAddress(hub: string, peer: string): Multiaddr {
  return multiaddr(`/p2p/${hub}/p2p-circuit/p2p/${peer}`)
}

/** Hub and peer of such an address; nothing for any other. */
export function relayedParts(address: Multiaddr): { hub: string; peer: string } | undefined {
  const [hub, circuit, peer, ...more] = address.getComponents()
  if (hub?.name !== 'p2p' || circuit?.name !== 'p2p-circuit' || peer?.name !== 'p2p' || more.length > 0)
    return undefined
  return hub.value === undefined || peer.value === undefined ? undefined : { hub: hub.value, peer: peer.value }
}
