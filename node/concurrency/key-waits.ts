/** Waits until something holds of a key, such as a peer: few at a time for each key, and for a short time. */

export class KeyWaits {
  readonly #mostPerKey: number
  readonly #limitMs: number
  readonly #waiting = new Map<string, Set<() => void>>()
  #stopped = false

  constructor({ mostPerKey, limitMs }: { mostPerKey: number; limitMs: number }) {
    this.#mostPerKey = mostPerKey
    this.#limitMs = limitMs
  }

  /** Keys for which anybody waits. */
  get size(): number {
    return this.#waiting.size
  }

  /** Whether it holds now, or when the key is woken, or else after the time limit. Too many waits of a key end at once. */
  async until(key: string, holds: () => boolean): Promise<boolean> {
    if (holds()) return true
    const waiting = this.#waiting.get(key) ?? new Set()
    if (this.#stopped || waiting.size >= this.#mostPerKey) return false
    this.#waiting.set(key, waiting)
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.add(resolve)
    const timer = setTimeout(resolve, this.#limitMs)
    await promise
    clearTimeout(timer)
    waiting.delete(resolve)
    if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key)
    return holds()
  }

  /** Ends all waits for a key: it holds, or never will. */
  wake(key: string): void {
    for (const resolve of this.#waiting.get(key) ?? []) resolve()
  }

  /** Ends all waits; later ones end at once. */
  stop(): void {
    this.#stopped = true
    for (const key of this.#waiting.keys()) this.wake(key)
  }
}
