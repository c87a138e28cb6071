/** Calls a boot a good one, for what counts boots: the portable target's counter, and systemd-boot's. */

import { messageOf } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import type { Logger } from '../process/log.ts'
import { checkHealth } from './health.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { ActivationSystem } from './system.ts'

/**
 * A boot is a good one when the daemon is up and the committed generation's probes are well. In the boot in which it was
 * committed nothing is known about its boots yet, unless it was booted first.
 */
export async function blessBoot(
  entry: JournalEntry | undefined,
  { system, log }: { system: ActivationSystem; log: Logger },
  options: { signal: AbortSignal; pollMs: number },
): Promise<void> {
  const isThisBoot = entry !== undefined && entry.boot === (await system.bootId())
  // One that was booted, and then committed, has just shown all of it.
  const isShown = isThisBoot && entry.byBoot !== undefined
  if (entry?.state === 'committed' && !isShown) {
    if (isThisBoot) return
    const { health } = await checkHealth({ system, log }, policyOf(entry.policy).health, undefined, options)
    if (health.state === 'failed') return
  }
  await system.blessBoot().catch((thrown: unknown) => {
    log.warn({ reason: messageOf(thrown) }, 'the boot was not called a good one')
  })
}
