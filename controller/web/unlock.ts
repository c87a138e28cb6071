/** Whether the signing keys are open for a browser: by the passphrase, for ten minutes after its last order. */

import { ApiError } from '../api/api-error.ts'
import { PassphraseError, passphrases } from '../keys/passphrase.ts'
import type { Session } from '../session/session.ts'
import { maxWrongPassphrases, unlockedIdleMs, wrongPassphrasesMs } from './limits.ts'

interface Open {
  /** Nothing where the keys have no seal. */
  readonly passphrase: string | undefined
  ends: number
  timer: NodeJS.Timeout
}

export class KeyLocks {
  readonly #session: Pick<Session, 'home'>
  readonly #now: () => number
  /** By session of the page. */
  readonly #open = new Map<string, Open>()
  readonly #wrong: number[] = []

  constructor(session: Pick<Session, 'home'>, now: () => number = Date.now) {
    this.#session = session
    this.#now = now
  }

  async sealed(): Promise<boolean> {
    return await this.#session.home.operatorKeys.sealed()
  }

  /** Tries the passphrase at the keys, and keeps it. Throws a KeyFileError where it doesn't open them. */
  async unlock(id: string, passphrase: string | undefined): Promise<void> {
    if (await this.sealed()) await this.check(passphrase)
    this.lock(id)
    const timer = setTimeout(() => this.lock(id), unlockedIdleMs).unref()
    this.#open.set(id, { passphrase, ends: this.#now() + unlockedIdleMs, timer })
  }

  /** Throws where a passphrase is missing or opens nothing. */
  async check(passphrase: string | undefined): Promise<void> {
    if (passphrase === undefined) {
      throw new PassphraseError('no-passphrase', 'expected the passphrase of your signing keys, got none', {
        hint: 'Type the passphrase that you chose with `thymesh init` or `thymesh key`.',
      })
    }
    const now = this.#now()
    while ((this.#wrong[0] ?? now) <= now - wrongPassphrasesMs) this.#wrong.shift()
    if (this.#wrong.length >= maxWrongPassphrases) {
      throw new ApiError('too-many', `expected at most ${maxWrongPassphrases} wrong passphrases in a minute`, {
        hint: 'Wait a minute, then type it again.',
      })
    }
    this.#wrong.push(now)
    await passphrases.with(passphrase, () => this.#session.home.operatorKeys.signers())
    this.#wrong.length = 0
  }

  lock(id: string): void {
    clearTimeout(this.#open.get(id)?.timer)
    this.#open.delete(id)
  }

  /** When it locks by itself; nothing where it is locked. */
  until(id: string): number | undefined {
    return this.#current(id)?.ends
  }

  /** What opens the keys for an order. Each order keeps them open for longer. Throws where they are locked. */
  use(id: string): string | undefined {
    const open = this.#current(id)
    if (open === undefined) {
      throw new ApiError('locked', 'expected unlocked keys, got an order while the page is read-only', {
        hint: 'Unlock your keys in the page first.',
      })
    }
    open.ends = this.#now() + unlockedIdleMs
    open.timer.refresh()
    return open.passphrase
  }

  stop(): void {
    for (const id of [...this.#open.keys()]) this.lock(id)
  }

  /** A timer may be late, as after a sleep. */
  #current(id: string): Open | undefined {
    const open = this.#open.get(id)
    if (open === undefined || this.#now() < open.ends) return open
    this.lock(id)
    return undefined
  }
}
