/** The TCP ends of connections and addresses. */

import { isIP } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { TcpEnd } from '../../../protocol/messages/relay.ts'
import { plainIp } from '../transport/plain-ip.ts'

/** The far end of a direct connection. */
export function endOf({ remoteAddr }: Pick<Connection, 'remoteAddr'>): TcpEnd | undefined {
  return endOfAddress(remoteAddr)
}

/** The IP address and TCP port of a multiaddr; nothing for a host name, or another transport. */
export function endOfAddress(address: Multiaddr): TcpEnd | undefined {
  const [host, port] = address.getComponents()
  if ((host?.name !== 'ip4' && host?.name !== 'ip6') || port?.name !== 'tcp') return undefined
  const end = { ip: plainIp(host.value ?? ''), port: Number(port.value) }
  return isIP(end.ip) !== 0 && end.port > 0 ? end : undefined
}

export function addressOf({ ip, port }: TcpEnd, peer: string): Multiaddr {
  return multiaddr(`/${isIP(ip) === 6 ? 'ip6' : 'ip4'}/${ip}/tcp/${port}/p2p/${peer}`)
}
