/** Waiting for the next change in the fleet, told by the events of a controller. */

import { setTimeout as sleep } from 'node:timers/promises'
import { pause } from '../../../node/concurrency/pause.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { openRunning } from '../../api/client.ts'
import { eventFrames } from '../../api/event-frames.ts'
import type { EventLog } from '../../api/event-log.ts'
import { lookAgainMs } from './limits.ts'

export class Changes {
  readonly #signal: AbortSignal
  #changed = Promise.withResolvers<void>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    this.#changed.promise.catch(() => {})
    signal.addEventListener('abort', () => this.tell(), { once: true })
  }

  /**
   * Resolves when something has changed since the last call, when the signal has aborted, or after so many milliseconds.
   * Rejects where nobody tells any more.
   */
  async next(longestMs?: number): Promise<void> {
    if (this.#signal.aborted) return
    await pause(this.#changed.promise, longestMs)
    this.#changed = Promise.withResolvers<void>()
    this.#changed.promise.catch(() => {})
  }

  tell(): void {
    this.#changed.resolve()
  }

  fail(thrown: unknown): void {
    this.#changed.reject(thrown)
  }
}

/** Of the controller of this process. Many events in a moment are one change: each look is at the whole fleet. */
export function changesHere(events: EventLog, signal: AbortSignal): Changes {
  const changes = new Changes(signal)
  if (signal.aborted) return changes
  let timer: NodeJS.Timeout | undefined
  const unlisten = events.listen(() => {
    timer ??= setTimeout(() => {
      timer = undefined
      changes.tell()
    }, lookAgainMs)
  })
  const stop = () => {
    unlisten()
    clearTimeout(timer)
  }
  signal.addEventListener('abort', stop, { once: true })
  return changes
}

/** Of another process, in the same way. */
export async function changesThere(file: string, signal: AbortSignal): Promise<Changes> {
  const changes = new Changes(signal)
  let stream: Awaited<ReturnType<typeof openRunning>>
  try {
    stream = await openRunning(file, { path: '/v1/events', signal })
  } catch (thrown) {
    // The time was over before the other process had answered: nobody waits for a change any more.
    if (signal.aborted) return changes
    throw thrown
  }
  const follow = async () => {
    if (typeof stream !== 'string') {
      for await (const _ of eventFrames(stream)) {
        changes.tell()
        await sleep(lookAgainMs, undefined, { signal })
      }
    }
    throw new Error('the stream has ended')
  }
  void follow().catch(() => {
    if (!signal.aborted) changes.fail(controllerEnded())
  })
  return changes
}

function controllerEnded(): HintedError {
  return new HintedError('closed', 'the controller that was asked has ended', {
    hint: 'Run `thymesh status`: the devices go on without it, if another peer has the release.',
  })
}
