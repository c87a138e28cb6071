/** One-time codes: what brings a browser in, once, within a minute. */

import { createHash, randomBytes } from 'node:crypto'
import { codeMs, maxCodes } from './limits.ts'

/** 128 bits: nobody guesses one within its minute. */
const codeBytes = 16

export class OneTimeCodes {
  /** By their hash, so that a look-up tells nothing by its time; when each ends. */
  readonly #open = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  make(): string {
    const code = randomBytes(codeBytes).toString('base64url')
    const [oldest] = this.#open.size >= maxCodes ? this.#open.keys() : []
    if (oldest !== undefined) this.#open.delete(oldest)
    this.#open.set(hashOf(code), this.#now() + codeMs)
    return code
  }

  /** Whether it was good; from now on it is not. */
  redeem(code: string): boolean {
    const hash = hashOf(code)
    const ends = this.#open.get(hash)
    this.#open.delete(hash)
    return ends !== undefined && this.#now() < ends
  }
}

/** Of a secret that is compared or kept. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
