/** Checks that a peer listens on its configured ports: an occupied port isn't fatal, but is reported. */

import { networkInterfaces } from 'node:os'

const portOf = (address: string) => /\/tcp\/(\d+)/.exec(address)?.[1]

/**
 * Ports of `wanted` that are missing in `actual`. Ports only, not addresses: a machine without IPv6 listens on the
 * same port with IPv4. Port 0 matches any.
 */
export function missingPorts(wanted: readonly string[], actual: readonly string[]): string[] {
  const there = new Set(actual.map(portOf))
  const ports = wanted.flatMap(address => portOf(address) ?? [])
  return [...new Set(ports)].filter(port => port !== '0' && !there.has(port))
}

/**
 * A warning for people; undefined if all ports are open. `own` are the IP addresses of this machine: where it doesn't have the
 * one to listen at, as a laptop in another network, no other program is to blame.
 */
export function listeningProblem(
  wanted: readonly string[],
  actual: readonly string[],
  own: readonly string[] = ownAddresses(),
): string | undefined {
  const missing = missingPorts(wanted, actual)
  if (missing.length === 0) return undefined
  const at = wanted.filter(address => missing.includes(portOf(address) ?? '')).map(ipOf)
  const foreign = [...new Set(at)].filter(ip => ip !== undefined && !isOwn(ip, own))
  if (foreign.length > 0) {
    return `can't listen at ${foreign.join(', ')}: this machine has no such address now, so no peer can dial this one there`
  }
  const ports = `${missing.length === 1 ? 'port' : 'ports'} ${missing.join(', ')}`
  return `can't listen at TCP ${ports}: another program uses it, so no peer can dial this one there`
}

const ipOf = (address: string) => /^\/ip[46]\/([^/]+)\//.exec(address)?.[1]

/** All of 127/8 is loopback on Linux. */
function isOwn(ip: string, own: readonly string[]): boolean {
  return ip === '0.0.0.0' || ip === '::' || ip.startsWith('127.') || own.includes(ip)
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address) ?? [])
}
