/** Delays streams of a peer until it is admitted: few streams, for a short time. */

import type { StreamMiddleware } from '@libp2p/interface'
import { ThymeshError } from '../../../protocol/errors.ts'
import { KeyWaits } from '../../concurrency/key-waits.ts'
import { helloTimeoutMs, waitingStreams } from '../limits.ts'

export class StreamGateError extends ThymeshError<'refused'> {}

export class StreamGate {
  readonly #isAdmitted: (peer: string) => boolean
  readonly #waits = new KeyWaits({ mostPerKey: waitingStreams, limitMs: helloTimeoutMs })

  constructor(isAdmitted: (peer: string) => boolean) {
    this.#isAdmitted = isAdmitted
  }

  /** Whether a peer is admitted now, or within the timeout for a hello. */
  pass(peer: string): Promise<boolean> {
    return this.#waits.until(peer, () => this.#isAdmitted(peer))
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
    this.#waits.wake(peer)
  }

  stop(): void {
    this.#waits.stop()
  }
}
