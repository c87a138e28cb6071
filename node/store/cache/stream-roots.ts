/** Temporary roots for paths that are being read: one daemon connection for all of them. */

import { rootsLingerMs } from '../limits.ts'
import type { TempRoots } from '../local/temp-roots.ts'

/** Protects paths from the garbage collector while they are read. */
export class StreamRoots {
  readonly #open: () => Promise<TempRoots>
  readonly #lingerMs: number
  #held: Promise<TempRoots> | undefined
  #users = 0
  #timer: NodeJS.Timeout | undefined

  constructor(open: () => Promise<TempRoots>, lingerMs = rootsLingerMs) {
    this.#open = open
    this.#lingerMs = lingerMs
  }

  /** Holds a path until the returned function is called, or somewhat longer. */
  async hold(path: string): Promise<() => void> {
    this.#users++
    clearTimeout(this.#timer)
    try {
      await (await this.#opened()).add(path)
    } catch (thrown) {
      this.#leave()
      throw thrown
    }
    let held = true
    return () => {
      if (held) this.#leave()
      held = false
    }
  }

  /** Releases all paths now. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    const held = this.#held
    this.#held = undefined
    await held?.then(each => each.release()).catch(() => {})
  }

  #opened(): Promise<TempRoots> {
    if (this.#held !== undefined) return this.#held
    const opening = this.#open()
    this.#held = opening
    // The next call tries again. Once open, it recovers by itself.
    opening.catch(() => {
      if (this.#held === opening) this.#held = undefined
    })
    return opening
  }

  #leave(): void {
    this.#users--
    if (this.#users > 0) return
    this.#timer = setTimeout(() => void this.stop(), this.#lingerMs)
    this.#timer.unref()
  }
}
