/** Where members were reached: an address book of our own, since libp2p's forgets within the hour. */

import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import type { Table } from '../../state/database.ts'
import { addressesPerPeer } from '../limits.ts'

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
      const parsed = entrySchema.safeParse(parsedJson(bytes))
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

  /** Notes where a peer was reached: tried first from now on. What is no address is left out. */
  addDialled(peer: string, address: string): Promise<void> {
    return this.#set(peer, [...usable([address]), ...this.addresses(peer)])
  }

  /** Notes where a peer says that it listens: behind the address that worked last, in place of what it said before. */
  async addAnnounced(peer: string, addresses: Iterable<string>): Promise<void> {
    const [best, ...others] = this.addresses(peer)
    await this.#set(peer, [...(best === undefined ? [] : [best]), ...usable(addresses), ...others])
  }

  async #set(peer: string, addresses: readonly string[]): Promise<void> {
    const known = this.addresses(peer)
    const next = [...new Set(addresses)].slice(0, addressesPerPeer)
    if (next.length === known.length && next.every((address, at) => address === known[at])) return
    this.#addresses.set(peer, next)
    await this.#table.put(peer, Buffer.from(JSON.stringify(next)))
  }

  async remove(peer: string): Promise<void> {
    this.#addresses.delete(peer)
    await this.#table.delete(peer)
  }
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

function usable(addresses: Iterable<string>): string[] {
  return [...addresses].flatMap(text => normalised(text) ?? [])
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
