/** Delays streams of a peer until it is admitted: few streams, for a short time. */

import type { StreamMiddleware } from '@libp2p/interface'
import { ThymeshError } from '../../../protocol/errors.ts'
import { helloTimeoutMs, waitingStreams } from '../limits.ts'

export class StreamGateError extends ThymeshError<'refused'> {}

export class StreamGate {
  readonly #isAdmitted: (peer: string) => boolean
  readonly #waiting = new Map<string, Set<() => void>>()
  #stopped = false

  constructor(isAdmitted: (peer: string) => boolean) {
    this.#isAdmitted = isAdmitted
  }

  /** Whether a peer is admitted now, or within the timeout for a hello. */
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

  /** Middleware that runs before a protocol's handler: for inbound streams, or in both directions. */
  middleware(ways: 'inbound' | 'both'): StreamMiddleware {
    return async (stream, connection, next) => {
      const peer = connection.remotePeer.toString()
      if ((ways === 'both' || stream.direction === 'inbound') && !this.#isAdmitted(peer)) {
        // A paused stream holds no more than its first window.
        stream.pause()
        if (!(await this.pass(peer))) throw new StreamGateError('refused', `${peer} isn't admitted`)
        if (stream.readStatus === 'paused') stream.resume()
      }
      next(stream, connection)
    }
  }

  /** Rechecks waiting streams: their peer was admitted, or has disconnected. */
  wake(peer: string): void {
    for (const resolve of this.#waiting.get(peer) ?? []) resolve()
  }

  stop(): void {
    this.#stopped = true
    for (const peer of this.#waiting.keys()) this.wake(peer)
  }
}
