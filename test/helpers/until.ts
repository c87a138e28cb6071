/** Polling with a limit, for what has no event to wait for. */

import { setTimeout as sleep } from 'node:timers/promises'

/** Asks until there is an answer other than false; resolves to nothing after `limitMs`. */
export async function poll<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { limitMs, everyMs }: { limitMs: number; everyMs: number },
): Promise<T | undefined> {
  for (const end = performance.now() + limitMs; ; await sleep(everyMs)) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > end) return undefined
  }
}

/** Resolves once `what` is truthy; rejects after `limitMs`, far longer than it takes on a machine that does nothing else. */
export async function until(what: () => unknown, name: string, limitMs = 120_000): Promise<void> {
  const holds = await poll(async () => Boolean(await what()), { limitMs, everyMs: 20 })
  if (holds === undefined) throw new Error(`waited in vain for ${name}`)
}
