/** An address book of members: unlike libp2p's, it keeps addresses for longer than an hour. */

import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { jsonOf } from '../../../protocol/encoding/json.ts'
import type { Certificate } from '../../../protocol/members/certificate.ts'
import { FairPlaces, type Place } from '../../concurrency/fair-places.ts'
import type { Table } from '../../state/database.ts'
import { addressesPerPeer, bookedPeers, staleAddressMs } from '../limits.ts'
import { subjectOf } from './subject.ts'

const entrySchema = z.array(z.string().max(200)).max(addressesPerPeer)

/** Finds the certificate of a member, whose join token its place in the book counts for. */
export interface Certificates {
  certificate(peer: string): { readonly document: Certificate } | undefined
}

interface Entry {
  readonly addresses: readonly string[]
  readonly place: Place
}

export class AddressBook {
  readonly #table: Table
  readonly #certificates: Certificates
  readonly #entries = new Map<string, Entry>()
  readonly #places = new FairPlaces({ places: bookedPeers, idleMs: staleAddressMs, turnMs: 0 })

  private constructor(table: Table, certificates: Certificates) {
    this.#table = table
    this.#certificates = certificates
  }

  static async load(table: Table, certificates: Certificates): Promise<AddressBook> {
    const book = new AddressBook(table, certificates)
    for await (const [peer, bytes] of table.entries()) {
      const parsed = entrySchema.safeParse(jsonOf(Buffer.from(bytes).toString()))
      const place = parsed.success ? book.#placeFor(peer) : undefined
      if (parsed.success && place !== undefined) book.#entries.set(peer, { addresses: parsed.data, place })
      else await table.delete(peer)
    }
    return book
  }

  peers(): string[] {
    return [...this.#entries.keys()]
  }

  /** Addresses of a peer without its ID, the most recently successful first. */
  addresses(peer: string): readonly string[] {
    return this.#entries.get(peer)?.addresses ?? []
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

  /** A place in the book, if necessary from a member of the join token that has the most. */
  #placeFor(peer: string): Place | undefined {
    const subjects = () => {
      const certificate = this.#certificates.certificate(peer)?.document
      return [certificate === undefined ? { peer, group: 'unknown' } : subjectOf({ certificate })]
    }
    const [subject = { peer, group: peer }] = subjects()
    const booked = performance.now()
    return this.#places.enter(subject, () => void this.remove(peer).catch(() => {}), { subjects, usedAt: () => booked })
  }

  async #set(peer: string, addresses: readonly string[]): Promise<void> {
    const known = this.addresses(peer)
    const next = [...new Set(addresses)].slice(0, addressesPerPeer)
    if (next.length === known.length && next.every((address, at) => address === known[at])) return
    const place = this.#entries.get(peer)?.place ?? this.#placeFor(peer)
    if (place === undefined) return
    this.#entries.set(peer, { addresses: next, place })
    await this.#table.put(peer, Buffer.from(JSON.stringify(next)))
  }

  async remove(peer: string): Promise<void> {
    this.#entries.get(peer)?.place.leave()
    this.#entries.delete(peer)
    await this.#table.delete(peer)
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
