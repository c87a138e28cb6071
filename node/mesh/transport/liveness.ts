/**
 * Ends connections whose other process no longer responds, although its kernel may. Yamux's own ping asks, one small message
 * each way that every version answers; libp2p's monitor opens a stream for it, which takes four times the bytes.
 */

import type { ComponentLogger, Connection, Logger, Startable } from '@libp2p/interface'
import { messageOf } from '../../../protocol/errors.ts'
import { monitorAnswerMs, monitorIntervalMs, monitorLookMs } from '../limits.ts'
import { trafficOf } from './traffic.ts'

/** The components that libp2p provides. */
interface LivenessComponents {
  readonly connectionManager: { getConnections(): Connection[] }
  readonly logger: ComponentLogger
}

interface LivenessInit {
  /** How often each connection is asked; this and the next two for tests. */
  readonly intervalMs?: number
  /** How often it is looked which ones are due. */
  readonly lookMs?: number
  /** How long a connection on which nothing comes is waited for. */
  readonly answerMs?: number
}

/** libp2p's connection, with its muxer. */
interface Inside {
  readonly muxer?: { ping?: () => Promise<number> }
}

/** A service for libp2p. */
export function liveness(init: LivenessInit = {}): (components: LivenessComponents) => Liveness {
  return components => new Liveness(components, init)
}

class Liveness implements Startable {
  readonly #connections: LivenessComponents['connectionManager']
  readonly #log: Logger
  readonly #intervalMs: number
  readonly #lookMs: number
  readonly #answerMs: number
  /** When each connection is asked next. */
  readonly #dueAt = new WeakMap<Connection, number>()
  #timer: NodeJS.Timeout | undefined

  constructor({ connectionManager, logger }: LivenessComponents, init: LivenessInit) {
    const { intervalMs = monitorIntervalMs, lookMs = monitorLookMs, answerMs = monitorAnswerMs } = init
    this.#connections = connectionManager
    this.#log = logger.forComponent('thymesh:liveness')
    this.#intervalMs = intervalMs
    this.#lookMs = lookMs
    this.#answerMs = answerMs
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), this.#lookMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const now = performance.now()
    for (const connection of this.#connections.getConnections()) {
      const dueAt = this.#dueAt.get(connection)
      // One that is new has just answered.
      if (dueAt === undefined) this.#later(connection)
      else if (now >= dueAt && connection.status === 'open') void this.#ask(connection)
    }
  }

  /** Varied, so that the connections of a site that had no power aren't asked all at once. */
  #later(connection: Connection): void {
    this.#dueAt.set(connection, performance.now() + this.#intervalMs * (0.8 + 0.2 * Math.random()))
  }

  /** Measures the round trip, and ends a connection that doesn't answer. Never rejects. */
  async #ask(connection: Connection): Promise<void> {
    const { muxer } = connection as unknown as Inside
    this.#dueAt.set(connection, Number.POSITIVE_INFINITY)
    const silence = this.#endIfSilent(connection)
    try {
      // Without a signal: yamux takes an answer that comes after its end for a fault of the other side.
      const roundTripMs = await muxer?.ping?.()
      if (roundTripMs !== undefined) connection.rtt = roundTripMs
    } catch (thrown) {
      this.#end(connection, thrown instanceof Error ? thrown : new Error(messageOf(thrown)))
    } finally {
      clearInterval(silence)
      this.#later(connection)
    }
  }

  /** Ends a connection on which nothing comes for the time of an answer: on a slow line it may wait behind other bytes. */
  #endIfSilent(connection: Connection): NodeJS.Timeout {
    let heard = trafficOf(connection).received
    const timer = setInterval(() => {
      const { received } = trafficOf(connection)
      const isSilent = received === heard
      heard = received
      if (isSilent) this.#end(connection, new Error('the other process does not respond'))
      if (connection.status !== 'open') clearInterval(timer)
    }, this.#answerMs)
    return timer.unref()
  }

  #end(connection: Connection, reason: Error): void {
    if (connection.status !== 'open' || this.#timer === undefined) return
    this.#log.error('a connection has ended: %s', reason.message)
    connection.abort(reason)
  }
}
