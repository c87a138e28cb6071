/** An address book of members: unlike libp2p's, it keeps addresses for longer than an hour. */

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

  /** Addresses of a peer without its ID, the most recently successful first. */
  addresses(peer: string): readonly string[] {
    return this.#addresses.get(peer) ?? []
  }

  /** Adds an address that was dialled successfully; it is tried first from now on. Invalid addresses are ignored. */
  addDialled(peer: string, address: string): Promise<void> {
    return this.#set(peer, [...usable([address]), ...this.addresses(peer)])
  }

  /**
   * Adds addresses that a peer announces: behind the most recently successful one, in place of earlier announcements.
   */
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

/** A multiaddr without the peer ID; undefined if it is invalid or can't be dialled. */
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
