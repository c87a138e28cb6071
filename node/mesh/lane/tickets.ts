/** The tickets that are out: each for one connection by one holder, who has one at a time, and for a short time. */

import { randomBytes } from 'node:crypto'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { type LaneCipher, type LaneTicket, ticketKeyLength, ticketNameLength } from '../../../protocol/messages/lane.ts'
import { ticketMs } from './limits.ts'

interface Issued<T> {
  readonly key: Uint8Array
  readonly holder: T
  readonly timer: NodeJS.Timeout
  readonly onGone: () => void
}

export class Tickets<T extends object> {
  readonly #issued = new Map<string, Issued<T>>()
  readonly #nameOf = new WeakMap<T, string>()

  /** A new ticket for a holder, whose last one it replaces; `onGone` is called once it is used or over. */
  issue(holder: T, cipher: LaneCipher, onGone: () => void): LaneTicket {
    this.revoke(holder)
    const name = new Uint8Array(randomBytes(ticketNameLength))
    const key = new Uint8Array(randomBytes(ticketKeyLength))
    const timer = setTimeout(() => this.take(toHex(name)), ticketMs)
    this.#issued.set(toHex(name), { key, holder, timer, onGone })
    this.#nameOf.set(holder, toHex(name))
    return { name, key, cipher }
  }

  /** The key and the holder of a ticket, which is used with that; nothing if it was used or is over. */
  take(name: string): { key: Uint8Array; holder: T } | undefined {
    const issued = this.#issued.get(name)
    if (issued === undefined) return undefined
    this.#issued.delete(name)
    clearTimeout(issued.timer)
    issued.onGone()
    return { key: issued.key, holder: issued.holder }
  }

  /** Takes a holder's ticket back, if it has one; one that is in use in a handshake is its newest no longer. */
  revoke(holder: T): void {
    this.take(this.#nameOf.get(holder) ?? '')
    this.#nameOf.delete(holder)
  }

  /** Whether a ticket, which may be used, is the last one of its holder, and was not taken back. */
  isNewest(holder: T, name: string): boolean {
    return this.#nameOf.get(holder) === name
  }

  stop(): void {
    for (const name of [...this.#issued.keys()]) this.take(name)
  }
}
