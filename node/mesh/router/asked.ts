/** What a router is asked for, and what may come of it. Nothing that it says gets further than the fields here. */

import { ThymeshError } from '../../../protocol/errors.ts'

export const mappers = ['PCP', 'NAT-PMP', 'UPnP'] as const
export type Mapper = (typeof mappers)[number]

/** One port of this machine, to be reached from outside by TCP. */
export interface Wish {
  readonly port: number
  /** The port outside that would be best: that of before, or the same. */
  readonly outside: number
  /** For how long, in seconds. 0 gives the port back. */
  readonly seconds: number
  /** 12 bytes that others can't guess, and that are the same after a restart: PCP lets only their holder renew. */
  readonly nonce: Uint8Array
}

export interface Mapping {
  readonly by: Mapper
  readonly port: number
  /** The router's address outside, as it says; undefined if it doesn't. */
  readonly ip: string | undefined
  /** How long it lasts; undefined if until somebody ends it. */
  readonly seconds: number | undefined
  /** Gives the port back. Rejects if the router doesn't answer. */
  readonly end: (signal: AbortSignal) => Promise<void>
}

/**
 * `absent`: nothing answers in this way. `refused`: it answers with a code that means no. `garbled`: it answers with
 * something else than the standard says.
 */
export class RouterError extends ThymeshError<'absent' | 'refused' | 'garbled'> {}

export const absent = (by: Mapper) => new RouterError('absent', `the router doesn't answer by ${by}`)
export const garbled = (by: Mapper, what: string) => new RouterError('garbled', `${by}: ${what}`)
/** `meanings` are ours: text of the router is not passed on. */
export function refused(by: Mapper, code: number, meanings: Readonly<Record<number, string>>): RouterError {
  return new RouterError('refused', `${by}: ${meanings[code] ?? 'refused'} (code ${code})`)
}
