/** Many waits that one signal breaks off: without a listener, or anything else that stays, for each of them. */

export class Breakable {
  readonly #rejects = new Set<(reason: unknown) => void>()
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#break(), { once: true })
  }

  /** What the promise comes to, or the signal's reason if that is sooner. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    // Should the signal be sooner, nobody is left to hear what becomes of it.
    promise.catch(() => {})
    this.#signal.throwIfAborted()
    const { promise: broken, reject } = Promise.withResolvers<never>()
    this.#rejects.add(reject)
    try {
      return await Promise.race([promise, broken])
    } finally {
      this.#rejects.delete(reject)
    }
  }

  #break(): void {
    for (const reject of this.#rejects) reject(this.#signal.reason)
    this.#rejects.clear()
  }
}
