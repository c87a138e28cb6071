/** Retries a look-up while its source fails, since the client would cache a negative answer for an hour. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../../protocol/errors.ts'
import { untilAborted } from '../../concurrency/abort-race.ts'
import { cacheLookUpRetryMs } from '../limits.ts'
import type { StoreLog } from '../local/store-daemon.ts'
import type { PathInfo } from '../path-info.ts'
import type { CacheSource } from './cache-source.ts'

/**
 * Looks a path up. A source that fails or hangs is retried until the limit; then the result is undefined: after an
 * error Nix 2.8 aborts the whole build, while after a 404 it queries the next cache.
 *
 * @throws the signal's reason when the client has disconnected.
 */
export async function lookUpWithRetries(
  source: Pick<CacheSource, 'lookUp'>,
  hashPart: string,
  { signal, limitMs, log }: { signal: AbortSignal; limitMs: number; log?: StoreLog | undefined },
): Promise<PathInfo | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
  let reason: unknown
  while (!limit.aborted) {
    try {
      return await untilAborted(source.lookUp(hashPart), limit)
    } catch (thrown) {
      if (thrown !== limit.reason) reason = thrown
      await sleep(cacheLookUpRetryMs, undefined, { signal: limit }).catch(() => {})
    }
  }
  signal.throwIfAborted()
  log?.warn(
    { hashPart, reason: messageOf(reason ?? limit.reason) },
    'the binary cache could not look a path up in time',
  )
  return undefined
}
