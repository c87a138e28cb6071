/** Reads a body of known size across failures of its sources: each attempt continues where the last one ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheNarRetryMs, cacheNarTries } from '../limits.ts'
import { storeError } from '../store-error.ts'

export interface ResumeInit {
  readonly start: number
  /** The size of the whole body; yields `size - start` bytes or throws. */
  readonly size: number
  readonly signal: AbortSignal
  /** Whether another attempt is pointless; `at` is the offset after the last byte that was yielded. */
  isFinal(thrown: unknown, at: number): boolean
  onRetry?(thrown: unknown, at: number): void
  readonly retryMs?: number
}

/** Opens the body at `start` and, as long as attempts yield bytes, reopens it where it broke off. */
export async function* resumed(
  open: (start: number) => AsyncIterable<Uint8Array>,
  init: ResumeInit,
): AsyncGenerator<Uint8Array, void> {
  const { size, signal, retryMs = cacheNarRetryMs } = init
  let at = init.start
  for (let failures = 0; at < size; ) {
    try {
      for await (const piece of open(at)) {
        if (at + piece.length > size) throw storeError('nar-mismatch', `Expected ${size} bytes, the source has more`)
        if (piece.length > 0) failures = 0
        at += piece.length
        yield piece
      }
      if (at < size) throw storeError('nar-mismatch', `Expected ${size} bytes, the source ended after ${at}`)
    } catch (thrown) {
      signal.throwIfAborted()
      failures++
      if (failures >= cacheNarTries || init.isFinal(thrown, at)) throw thrown
      init.onRetry?.(thrown, at)
      await sleep(retryMs * 2 ** (failures - 1), undefined, { signal })
    }
  }
}
