/** Decides whether a peer is at our site: by site labels, else by the address's network, else by round-trip time. */

import { isIP } from 'node:net'
import type { Connection } from '@libp2p/interface'
import type { Certificate } from '../../../protocol/members/certificate.ts'
import { inList, ownNetworks, privateNetworks } from '../../mesh/peers/networks.ts'
import { isRelayed } from '../../mesh/transport/way.ts'
import { localRoundTripMs } from '../limits.ts'

/**
 * Whether two members share a local network. What comes through a hub uses the site's uplink, whatever the labels say. If
 * one has a site label, the labels decide: a labelled and an unlabelled peer aren't at one site. A visiting laptop then
 * counts as remote, which costs only one copy.
 */
export function isLocal(ours: Certificate, theirs: Certificate, connection: Connection | undefined): boolean {
  if (connection !== undefined && isRelayed(connection)) return false
  if (ours.site !== undefined || theirs.site !== undefined) return ours.site === theirs.site
  const ip = ipOf(connection)
  if (ip === undefined) return false
  if (inList(ownNetworks(), ip)) return true
  // A routed private address, as between the floors of a factory or through a distant tunnel: the round-trip time
  // decides.
  return inList(privateNetworks, ip) && connection?.rtt !== undefined && connection.rtt <= localRoundTripMs
}

/**
 * Whether what comes from a peer does not use the site's uplink: it doesn't come through a hub, its address is in a network of
 * this machine, and it answers as fast as such neighbours do. A tunnel has a network of its own too, but not those times.
 * Unknown times count as an uplink.
 */
export function isNear(connection: Connection | undefined): boolean {
  if (connection === undefined || isRelayed(connection)) return false
  const ip = ipOf(connection)
  if (ip === undefined || !inList(ownNetworks(), ip)) return false
  return connection.rtt !== undefined && connection.rtt <= localRoundTripMs
}

function ipOf(connection: Connection | undefined): string | undefined {
  const ip = connection && /^(?:\/ip6zone\/[^/]+)?\/ip[46]\/([^/%]+)/.exec(connection.remoteAddr.toString())?.[1]
  return ip === undefined || isIP(ip) === 0 ? undefined : ip
}
