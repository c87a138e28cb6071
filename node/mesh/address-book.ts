/** Where members were reached: an address book of our own, since libp2p's forgets within the hour. */

import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { addressesPerPeer } from '../defaults.ts'
import type { Table } from '../state/database.ts'

const entrySchema = z.array(z.string().max(200)).max(addressesPerPeer)

export class AddressBook {
  readonly #table: Table
  readonly #addresses = new Map<string, string[]>()

  private constructor(table: Table) {
    this.#table = table
  }

  static async load(table: Table): Promise<AddressBook> {
    const book = new AddressBook(table)
    for await (const [peer, bytes] of table.entries()) {
      const parsed = entrySchema.safeParse(JSON.parse(Buffer.from(bytes).toString()))
      if (parsed.success) book.#addresses.set(peer, parsed.data)
    }
    return book
  }

  peers(): string[] {
    return [...this.#addresses.keys()]
  }

  /** Addresses of a peer without its ID, the ones that worked last first. */
  addresses(peer: string): readonly string[] {
    return this.#addresses.get(peer) ?? []
  }

  /** Puts addresses in front of what is known. Those that are no multiaddrs are left out. */
  async add(peer: string, addresses: Iterable<string>): Promise<void> {
    const known = this.addresses(peer)
    const fresh = [...addresses].flatMap(text => normalised(text) ?? [])
    const next = [...new Set([...fresh, ...known])].slice(0, addressesPerPeer)
    if (next.length === known.length && next.every((address, at) => address === known[at])) return
    this.#addresses.set(peer, next)
    await this.#table.put(peer, Buffer.from(JSON.stringify(next)))
  }

  async remove(peer: string): Promise<void> {
    this.#addresses.delete(peer)
    await this.#table.delete(peer)
  }
}

/** A multiaddr's text without the peer ID; nothing for what is none or can't be dialled. */
function normalised(text: string): string | undefined {
  try {
    const plain = multiaddr(text)
      .toString()
      .replace(/\/p2p\/[^/]+$/, '')
    return /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/[1-9]\d*$/.test(plain) ? plain : undefined
  } catch {
    return undefined
  }
}
