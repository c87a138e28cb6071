/** Looks a path up for a client that would keep a "no" for an hour: waits and asks again while the source can't tell. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../../protocol/errors.ts'
import { untilAborted } from '../../concurrency/abort-race.ts'
import { cacheLookUpRetryMs } from '../limits.ts'
import type { StoreLog } from '../local/store-daemon.ts'
import type { PathInfo } from '../path-info.ts'
import type { CacheSource } from './cache-source.ts'

/**
 * What the source knows of a path. A source that fails or hangs is asked again until the limit; then it is nothing all
 * the same: after an error Nix 2.8 gives up the whole build, where after a 404 it asks the next cache.
 *
 * @throws the signal's reason when the client has gone.
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
