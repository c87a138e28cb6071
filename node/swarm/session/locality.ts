/** Decides whether a peer is at our site: by site labels, else by the address's network, else by round-trip time. */

import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Connection } from '@libp2p/interface'
import type { Certificate } from '../../../protocol/members/certificate.ts'
import { localRoundTripMs } from '../limits.ts'

/**
 * Whether two members share a local network. If one has a site label, the labels decide: a labelled and an unlabelled
 * peer aren't at one site. A visiting laptop then counts as remote, which costs only one copy.
 */
export function isLocal(ours: Certificate, theirs: Certificate, connection: Connection | undefined): boolean {
  if (ours.site !== undefined || theirs.site !== undefined) return ours.site === theirs.site
  const ip = connection && /^(?:\/ip6zone\/[^/]+)?\/ip[46]\/([^/%]+)/.exec(connection.remoteAddr.toString())?.[1]
  if (ip === undefined || isIP(ip) === 0) return false
  if (inList(ownNetworks(), ip)) return true
  // A routed private address, as between the floors of a factory or through a distant tunnel: the round-trip time
  // decides.
  return inList(privateNetworks, ip) && connection?.rtt !== undefined && connection.rtt <= localRoundTripMs
}

/** The private ranges of RFC 1918 and RFC 4193, and link-local addresses. */
const privateNetworks = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4')
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6')
privateNetworks.addSubnet('fe80::', 10, 'ipv6')

/** The networks of this machine's addresses, including loopback. */
function ownNetworks(): BlockList {
  const list = new BlockList()
  for (const { cidr, family } of Object.values(networkInterfaces()).flatMap(each => each ?? [])) {
    const [address, prefix] = cidr?.split('/') ?? []
    if (address === undefined || prefix === undefined) continue
    list.addSubnet(address, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return list
}

function inList(list: BlockList, ip: string): boolean {
  return list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')
}
