/** The gate before a peer's streams: those of a stranger wait, briefly and few, until their peer is admitted. */

import { helloTimeoutMs, waitingStreams } from '../defaults.ts'

export class Gate {
  readonly #isAdmitted: (peer: string) => boolean
  readonly #waiting = new Map<string, Set<() => void>>()
  #stopped = false

  constructor(isAdmitted: (peer: string) => boolean) {
    this.#isAdmitted = isAdmitted
  }

  /** Whether a peer is admitted, now or within the time for a hello. */
  async pass(peer: string): Promise<boolean> {
    if (this.#isAdmitted(peer)) return true
    const waiting = this.#waiting.get(peer) ?? new Set()
    if (this.#stopped || waiting.size >= waitingStreams) return false
    this.#waiting.set(peer, waiting)
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.add(resolve)
    const timer = setTimeout(resolve, helloTimeoutMs)
    await promise
    clearTimeout(timer)
    waiting.delete(resolve)
    if (waiting.size === 0 && this.#waiting.get(peer) === waiting) this.#waiting.delete(peer)
    return this.#isAdmitted(peer)
  }

  /** Lets what waits be judged now: its peer was admitted, or is gone. */
  wake(peer: string): void {
    for (const resolve of this.#waiting.get(peer) ?? []) resolve()
  }

  stop(): void {
    this.#stopped = true
    for (const peer of this.#waiting.keys()) this.wake(peer)
  }
}
