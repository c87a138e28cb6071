/** The shifts that the accepted releases name: fetched once somebody needs them, and only a hint. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Shifts, shiftsCodec } from '../../../protocol/closure/shifts.ts'
import { fromHex, toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { shiftsOf } from '../../../protocol/release/shifts.ts'
import { DocumentError, type Documents } from '../../mesh/exchange/documents.ts'
import type { Logger } from '../../process/log.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { releasesOf } from '../../state/releases.ts'
import { shiftsFetchMs, shiftsLookMs, shiftsRetryMs, shiftsWaitMs } from '../limits.ts'

/** Looks up the shifts of a pair of recipes, given by their IDs; undefined if none are known. */
export type ShiftBook = (from: Uint8Array, to: Uint8Array) => Shifts | undefined

export interface ReleasedShiftsComponents {
  readonly state: Pick<FleetState, 'accepted' | 'document' | 'keepDocument'>
  readonly documents: Pick<Documents, 'fetch'>
  readonly log: Pick<Logger, 'debug'>
}

export class ReleasedShifts {
  readonly #components: ReleasedShiftsComponents
  /** When a document that didn't come is asked for again, by its SHA-256 in hex. */
  readonly #notBefore = new Map<string, number>()

  /** Documents that are under way, by the same. */
  readonly #coming = new Map<string, Promise<readonly Shifts[]>>()

  constructor(components: ReleasedShiftsComponents) {
    this.#components = components
  }

  /** Fetches the documents that are missing here. Never rejects: without one, delta bases are as good as without shifts. */
  async book(): Promise<ShiftBook> {
    const wanted = new Set(releasesOf(this.#components.state.accepted).flatMap(each => shiftsOf(each) ?? []))
    for (const key of this.#notBefore.keys()) if (!wanted.has(key)) this.#notBefore.delete(key)
    const pairs = new Map<string, Shifts>()
    for (const shifts of (await Promise.all([...wanted].map(hash => this.#read(hash)))).flat()) {
      pairs.set(keyOf(shifts.from, shifts.to), shifts)
    }
    return (from, to) => pairs.get(keyOf(from, to))
  }

  async #read(key: string): Promise<readonly Shifts[]> {
    const { state, log } = this.#components
    const hash = fromHex(key)
    try {
      const known = await state.document(hash)
      if (known !== undefined) return shiftsCodec.decode(known)
      if (Date.now() < (this.#notBefore.get(key) ?? 0)) return []
      const coming = this.#coming.get(key) ?? this.#fetch(key, hash)
      this.#coming.set(key, coming)
      return await Promise.race([coming, sleep(shiftsWaitMs, [], { ref: false })])
    } catch (thrown) {
      log.debug({ document: key, reason: messageOf(thrown) }, 'the shifts of a release are not used')
      return []
    }
  }

  /** Goes on for a while when nobody waits any more: the next fetch has it then. */
  async #fetch(key: string, hash: Uint8Array): Promise<readonly Shifts[]> {
    const signal = AbortSignal.timeout(shiftsFetchMs)
    try {
      const bytes = await this.#asked(hash, signal)
      const shifts = shiftsCodec.decode(bytes)
      await this.#components.state.keepDocument(bytes)
      return shifts
    } catch (thrown) {
      this.#notBefore.set(key, Date.now() + shiftsRetryMs)
      this.#components.log.debug({ document: key, reason: messageOf(thrown) }, 'the shifts of a release did not come')
      return []
    } finally {
      this.#coming.delete(key)
    }
  }

  async #asked(hash: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    for (const until = Date.now() + shiftsWaitMs; ; ) {
      try {
        return await this.#components.documents.fetch(hash, undefined, signal, shiftsCodec.maxBytes)
      } catch (thrown) {
        // Nobody may be connected yet.
        const mayCome = thrown instanceof DocumentError && thrown.code === 'no-peer' && Date.now() < until
        if (!mayCome) throw thrown
        await sleep(shiftsLookMs, undefined, { signal })
      }
    }
  }
}

const keyOf = (from: Uint8Array, to: Uint8Array) => `${toHex(from)} ${toHex(to)}`
