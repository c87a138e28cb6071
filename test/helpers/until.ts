/** Polling with a bound, for what has no event to wait for. */

import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once `what` is truthy; rejects after `limitMs`, which is far longer than it ever takes. */
export async function until(what: () => unknown, name: string, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${name}`)
    await sleep(20)
  }
}
