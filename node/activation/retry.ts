/** Retries of a step that failed for now: the machine lacked something, or the daemon is being stopped. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../protocol/errors.ts'
import type { Logger } from '../process/log.ts'

export interface RetryOptions {
  /** Waiting ends with its reason. */
  signal: AbortSignal
  /** The pauses between the tries, in milliseconds: one try more than pauses. */
  pausesMs: readonly number[]
  log: Logger
  /** The name of the step, for the log. */
  what: string
}

/**
 * Resolves to what the first try that goes well gives; rejects with the last error. A stop may reach our children before
 * it reaches us, so their failure counts only after a pause, in which the signal can come.
 */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, pausesMs, log, what } = options
  for (let tries = 0; ; tries++) {
    try {
      return await work()
    } catch (thrown) {
      signal.throwIfAborted()
      const pause = pausesMs[tries]
      if (pause === undefined) throw thrown
      log.warn({ reason: messageOf(thrown), pauseMs: pause }, `${what} failed, and is tried again`)
      await sleep(pause, undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }
}
