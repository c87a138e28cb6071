/** Hedged requests: while one source is late, the next is asked too, and the first result counts. */

import { AbortRace } from './abort-race.ts'

export interface HedgeInit {
  /** A source is late when it was silent for this long. */
  silentMs: number
  /** It is late, too, when it is slower than this; silence at the beginning isn't counted. */
  slowestBytesPerMs: number
  /** Sources asked at a time; the one that was asked first is given up for a further one. */
  most: number
  signal?: AbortSignal | undefined
  /** Milliseconds; for tests. */
  now?: () => number
}

/** One request to one source. */
export interface Attempt {
  readonly signal: AbortSignal
  /** Records bytes that came. */
  progress(bytes: number): void
}

interface Running<T> {
  readonly source: T
  readonly abort: AbortController
  readonly began: number
  progressAt: number
  bytes: number
}

/** The first result, and the sources that were late while another one had it. */
export interface Hedged<T, R> {
  readonly result: R | undefined
  readonly late: readonly T[]
}

/**
 * Asks sources in order until one has a result. `ask` resolves to undefined if its source has none. Rejects with the
 * reason of the signal in `init`.
 */
export async function hedge<T, R>(
  sources: Iterable<T>,
  ask: (source: T, attempt: Attempt) => Promise<R | undefined>,
  init: HedgeInit,
): Promise<Hedged<T, R>> {
  const { now = () => performance.now(), signal = new AbortController().signal } = init
  const left = [...sources]
  const running = new Set<Running<T>>()
  const late = new Set<T>()
  const race = new AbortRace(signal)
  let newest: Running<T> | undefined
  let wake = Promise.withResolvers<void>()
  let result: R | undefined

  const begin = (source: T) => {
    const each: Running<T> = { source, abort: new AbortController(), began: now(), progressAt: now(), bytes: 0 }
    running.add(each)
    newest = each
    const progress = (bytes: number) => {
      each.bytes += bytes
      each.progressAt = now()
    }
    const settled = (found: R | undefined) => {
      running.delete(each)
      if (result === undefined && found !== undefined) {
        result = found
        late.delete(source)
      }
      wake.resolve()
    }
    ask(source, { signal: each.abort.signal, progress }).then(settled, () => settled(undefined))
  }
  const giveUpOldest = () => {
    const [oldest] = running
    if (oldest === undefined || running.size < init.most) return
    running.delete(oldest)
    oldest.abort.abort(new Error('other sources are asked instead'))
  }
  /** Milliseconds until the source that was asked last is late; undefined if it is, or has no result. */
  const patience = () => {
    if (newest === undefined || !running.has(newest)) return undefined
    const { progressAt, began, bytes } = newest
    const due = Math.min(progressAt, began + bytes / init.slowestBytesPerMs) + init.silentMs
    return due > now() ? due - now() : undefined
  }

  try {
    while (result === undefined && (left.length > 0 || running.size > 0)) {
      if (patience() === undefined) {
        if (newest !== undefined && running.has(newest)) late.add(newest.source)
        const source = left.shift()
        if (source !== undefined) {
          giveUpOldest()
          begin(source)
        }
      }
      wake = Promise.withResolvers()
      const waitMs = left.length > 0 ? patience() : undefined
      const timer = waitMs === undefined ? undefined : setTimeout(wake.resolve, Math.ceil(waitMs))
      await race.wait(wake.promise).finally(() => clearTimeout(timer))
    }
    return { result, late: [...late] }
  } finally {
    race.end()
    for (const { abort } of running) abort.abort(new Error('the request has ended'))
  }
}
