/** Networks of this machine, and private ones. */

import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** The private ranges of RFC 1918 and RFC 4193, and link-local addresses. */
export const privateNetworks = new BlockList()
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
export function ownNetworks(): BlockList {
  const list = new BlockList()
  for (const { cidr, family } of Object.values(networkInterfaces()).flatMap(each => each ?? [])) {
    const [address, prefix] = cidr?.split('/') ?? []
    if (address === undefined || prefix === undefined) continue
    list.addSubnet(address, Number(prefix), family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return list
}

export function inList(list: BlockList, ip: string): boolean {
  return list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')
}
