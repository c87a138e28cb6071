/** The router of this machine: where its default route leads, and the address that this machine has there. */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { endianness } from 'node:os'
import { routerTriesMs, ssdpSearchMs } from './limits.ts'

export interface Router {
  /** IPv4 addresses of the router, and of this machine as the router knows it. */
  readonly address: string
  readonly local: string
  /** Where it answers NAT-PMP and PCP, and searches by UPnP; other ports than the standards' in tests. */
  readonly ports: { readonly pcp: number; readonly ssdp: number }
  /** The pauses between the tries of a question by UDP, and how long an answer to a search is waited for, in milliseconds. */
  readonly waits: { readonly triesMs: readonly number[]; readonly searchMs: number }
}

/** The ports of RFC 6886, RFC 6887 and UPnP Device Architecture 1.1. */
const standardPorts = { pcp: 5351, ssdp: 1900 }
const waits = { triesMs: routerTriesMs, searchMs: ssdpSearchMs }

/** The router that has the default route of IPv4; undefined if there is none. Never rejects. */
export async function findRouter(): Promise<Router | undefined> {
  try {
    const address = gatewayIn(await readFile('/proc/net/route', 'utf8'))
    if (address === undefined) return undefined
    const socket = await socketTo(address, standardPorts.pcp)
    try {
      return { address, local: socket.address().address, ports: standardPorts, waits }
    } finally {
      socket.close()
    }
  } catch {
    return undefined
  }
}

/** The gateway of the default route with the lowest metric in Linux' table of routes (proc_net_route(5)). */
export function gatewayIn(table: string): string | undefined {
  const routes = table.split('\n').flatMap(line => {
    const [, to, gateway = '', flags = '', , , metric, mask] = line.split('\t')
    const isDefault =
      to === '00000000' && mask === '00000000' && (Number.parseInt(flags, 16) & usableGateway) === usableGateway
    return isDefault && /^[0-9A-F]{8}$/.test(gateway) ? [{ gateway, metric: Number(metric) }] : []
  })
  const [best] = routes.sort((a, b) => a.metric - b.metric)
  if (best === undefined) return undefined
  // Each address is written as a number of this machine's byte order.
  const bytes = [...Buffer.from(best.gateway, 'hex')]
  return (endianness() === 'LE' ? bytes.reverse() : bytes).join('.')
}

/** RTF_UP and RTF_GATEWAY. */
const usableGateway = 3

/** A UDP socket to one address: the kernel drops what comes from any other. The caller closes it. */
export async function socketTo(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  try {
    socket.connect(port, address)
    await once(socket, 'connect')
    return socket
  } catch (thrown) {
    socket.close()
    throw thrown
  }
}
