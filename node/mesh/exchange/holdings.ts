/**
 * What a peer holds of each member, packed in one buffer in the order of the members' keys: it gives fingerprints of
 * ranges and finds members by key. 28 bytes a member, kept up to date change by change.
 */

import { createHash } from 'node:crypto'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import type { Member } from '../../../protocol/members/certificate.ts'
import { type Held, memberKeyLength, printLength } from '../../../protocol/messages/ranges.ts'

const counterAt = memberKeyLength + 8
const recordLength = memberKeyLength + 16
/** A certificate signed by a join token ranks below all others: this exceeds any date, in seconds. */
const provisional = 2 ** 38

/** The order of `certificateRank` as a number: seconds since 1970, far below 0 for one signed by a join token. */
export function rankNumber({ grant, issued }: Pick<Member, 'grant' | 'issued'>): number {
  const seconds = Date.parse(issued) / 1000
  return grant === undefined ? seconds : seconds - provisional
}

export function memberKey(peer: string): Uint8Array {
  return sha256(Buffer.from(peer)).subarray(0, memberKeyLength)
}

/** How the fingerprints of ranges are made in one comparison. */
export interface Prints {
  readonly length: number
  /** Hashed before the members. */
  readonly salt: Uint8Array
}

const longPrints: Prints = { length: printLength, salt: new Uint8Array() }

export class Holdings {
  #records = Buffer.alloc(64 * recordLength)
  readonly #peers: string[] = []

  get size(): number {
    return this.#peers.length
  }

  /** Notes a member, or its new certificate or report. */
  set(peer: string, rank: number, counter: number): void {
    const key = memberKey(peer)
    let at = this.lower(key)
    if (!this.#hasKey(at, key)) at = this.#insert(at, key)
    this.#peers[at] = peer
    this.#records.writeDoubleBE(rank, at * recordLength + memberKeyLength)
    this.#records.writeDoubleBE(counter, at * recordLength + counterAt)
  }

  delete(peer: string): void {
    const key = memberKey(peer)
    const at = this.lower(key)
    if (!this.#hasKey(at, key)) return
    this.#records.copyWithin(at * recordLength, (at + 1) * recordLength, this.size * recordLength)
    this.#peers.splice(at, 1)
  }

  /** How many members have keys below these bytes; all for empty bytes, which end the last range. */
  lower(bound: Uint8Array): number {
    let low = 0
    let high = this.size
    if (bound.length === 0) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (Buffer.compare(this.key(middle), bound) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  key(at: number): Uint8Array {
    return this.#records.subarray(at * recordLength, at * recordLength + memberKeyLength)
  }

  held(at: number): Held {
    const from = at * recordLength
    return [
      Uint8Array.from(this.key(at)),
      this.#records.readDoubleBE(from + memberKeyLength),
      this.#records.readDoubleBE(from + counterAt),
    ]
  }

  peer(at: number): string {
    return this.#peers[at] ?? ''
  }

  /** The peer with this key. */
  find(key: Uint8Array): string | undefined {
    const at = this.lower(key)
    return this.#hasKey(at, key) ? this.peer(at) : undefined
  }

  /** The peer whose key begins with these bytes, if there is one, and no other. */
  findOnly(bytes: Uint8Array): string | undefined {
    const at = this.lower(bytes)
    const begins = (each: number) =>
      each < this.size && Buffer.compare(this.key(each).subarray(0, bytes.length), bytes) === 0
    return bytes.length > 0 && begins(at) && !begins(at + 1) ? this.peer(at) : undefined
  }

  /** The fingerprint of members from `low` to before `high`, of so many bytes. */
  print(low: number, high: number, { length, salt }: Prints = longPrints): Uint8Array {
    const hash = createHash('sha256').update(salt)
    return hash
      .update(this.#records.subarray(low * recordLength, high * recordLength))
      .digest()
      .subarray(0, length)
  }

  get printOfAll(): Uint8Array {
    return this.print(0, this.size)
  }

  /** The shortest bytes that are above the key before `at` and not above the one there. */
  boundBefore(at: number): Uint8Array {
    const [before, key] = [this.key(at - 1), this.key(at)]
    let length = 1
    while (length < memberKeyLength && before[length - 1] === key[length - 1]) length++
    return Uint8Array.from(key.subarray(0, length))
  }

  #hasKey(at: number, key: Uint8Array): boolean {
    return at < this.size && Buffer.compare(this.key(at), key) === 0
  }

  #insert(at: number, key: Uint8Array): number {
    if ((this.size + 1) * recordLength > this.#records.length) {
      this.#records = Buffer.concat([this.#records], 2 * this.#records.length)
    }
    this.#records.copyWithin((at + 1) * recordLength, at * recordLength, this.size * recordLength)
    this.#records.set(key, at * recordLength)
    this.#peers.splice(at, 0, '')
    return at
  }
}
