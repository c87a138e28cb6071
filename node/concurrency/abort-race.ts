/** Waits that a signal can end: many with one listener, or a single one. */

/** Races any number of waits against one signal, with one listener for all of them. */
export class AbortRace {
  readonly #signal: AbortSignal
  readonly #rejects = new Set<(reason: unknown) => void>()
  readonly #onAbort = () => {
    for (const reject of this.#rejects) reject(this.#signal.reason)
    this.#rejects.clear()
  }

  /** Listens until the signal is aborted or {@link end} is called. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Settles as the promise does; rejects with the signal's reason if that is sooner. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    // After an abort, the promise's rejection must not count as unhandled.
    promise.catch(() => {})
    this.#signal.throwIfAborted()
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    this.#rejects.add(reject)
    try {
      return await Promise.race([promise, aborted])
    } finally {
      this.#rejects.delete(reject)
    }
  }

  throwIfAborted(): void {
    this.#signal.throwIfAborted()
  }

  /** Stops listening: for a signal that lives longer than the race. */
  end(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** One wait: settles as the promise does; rejects with the signal's reason if that is sooner. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  const race = new AbortRace(signal)
  try {
    return await race.wait(promise)
  } finally {
    race.end()
  }
}
