/**
 * The network interfaces that mDNS uses, each with its networks: an announcement is valid on its own interface only.
 */

import { BlockList } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { mdnsInterfaces } from './limits.ts'

export interface MdnsInterface {
  readonly name: string
  /** The IPv4 source address, which also identifies the interface to the kernel. */
  readonly address: string
  /** Changes whenever the interface needs a new socket. */
  readonly key: string
  /**
   * Whether an IPv4 or IPv6 address belongs to one of its networks. IPv6 link-local addresses don't: they are useless
   * without a zone.
   */
  has(address: string): boolean
}

/** The result of `os.networkInterfaces()`: interfaces that are up, by name. */
export type SystemInterfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/** Interfaces with an IPv4 address; loopback only if there is no other. */
export function mdnsInterfacesOf(system: SystemInterfaces): MdnsInterface[] {
  const all = Object.entries(system).flatMap(([name, infos = []]) => {
    const first = infos.find(({ family }) => family === 'IPv4')
    return first === undefined ? [] : [{ name, infos, first }]
  })
  const external = all.filter(({ first }) => !first.internal)
  const chosen = (external.length > 0 ? external : all).slice(0, mdnsInterfaces)
  return chosen.map(({ name, infos, first }) => {
    const networks = networksOf(infos)
    return {
      name,
      address: first.address,
      key: JSON.stringify([name, ...infos.map(({ cidr, mac }) => [cidr, mac])]),
      has: address => networks.check(address, address.includes(':') ? 'ipv6' : 'ipv4'),
    }
  })
}

function networksOf(infos: readonly NetworkInterfaceInfo[]): BlockList {
  const networks = new BlockList()
  for (const { cidr, family, scopeid } of infos) {
    const [address, bits] = cidr?.split('/') ?? []
    const linkLocal = scopeid !== undefined && scopeid !== 0
    if (address === undefined || linkLocal) continue
    networks.addSubnet(address, Number(bits), family === 'IPv4' ? 'ipv4' : 'ipv6')
  }
  return networks
}
