/**
 * The address at a router through which this host is reached, among those that it tells others. libp2p keeps such mappings
 * itself, but puts them last, and peers remember only some addresses of each other.
 */

import type { Libp2p } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { TcpEnd } from '../../../protocol/messages/relay.ts'

interface Mapped {
  /** The host's end, and that of the router. */
  readonly local: TcpEnd
  readonly end: TcpEnd
}

/** The part of libp2p's address manager that this needs. */
interface AddressManager {
  addPublicAddressMapping(localIp: string, localPort: number, ip: string, port: number, protocol: 'tcp'): void
  removePublicAddressMapping(localIp: string, localPort: number, ip: string, port: number, protocol: 'tcp'): void
  confirmObservedAddr(address: Multiaddr, options: { type: 'ip-mapping'; ttl: number }): void
}

/** How many addresses come before it. */
const before = 2

export class MappedAddress {
  #manager: AddressManager | undefined
  #mapped: Mapped | undefined

  /** The host whose address it is. */
  belongTo(host: Libp2p): void {
    this.#manager = (host as unknown as { components: { addressManager: AddressManager } }).components.addressManager
  }

  /** Tells others about another address from now on, or about none. */
  set(mapped: Mapped | undefined): void {
    const old = this.#mapped
    if (JSON.stringify(old) === JSON.stringify(mapped)) return
    this.#mapped = mapped
    const { local, end } = old ?? {}
    if (local && end) this.#manager?.removePublicAddressMapping(local.ip, local.port, end.ip, end.port, 'tcp')
    if (mapped === undefined) return
    this.#manager?.addPublicAddressMapping(mapped.local.ip, mapped.local.port, mapped.end.ip, mapped.end.port, 'tcp')
    // Its owner removes it; libp2p's own verification is not in use.
    this.#manager?.confirmObservedAddr(multiaddr(textOf(mapped.end)), { type: 'ip-mapping', ttl: forEverMs })
  }

  /** For libp2p: all addresses, with the mapped one among the first. */
  readonly ordered = (addresses: Multiaddr[]): Multiaddr[] => {
    const text = this.#mapped && textOf(this.#mapped.end)
    const at = addresses.findIndex(each => text !== undefined && `${each}/`.startsWith(`${text}/`))
    const [mapped] = at < 0 ? [] : addresses.splice(at, 1)
    if (mapped !== undefined) addresses.splice(before, 0, mapped)
    return addresses
  }
}

const forEverMs = Number.MAX_SAFE_INTEGER / 2

function textOf({ ip, port }: TcpEnd): string {
  return `/ip4/${ip}/tcp/${port}`
}
