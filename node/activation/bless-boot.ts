/** Calls a boot a good one, for what counts boots: the portable target's counter, and systemd-boot's. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import type { Logger } from '../process/log.ts'
import { checkHealth } from './health.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { ActivationSystem } from './system.ts'

interface BlessingComponents {
  readonly system: ActivationSystem
  readonly log: Logger
}

interface BlessingOptions {
  readonly signal: AbortSignal
  readonly pollMs: number
  /** The pause after a boot that was not a good one yet. */
  readonly againMs: number
}

/**
 * A boot is a good one when the daemon is up and the probes of the generation that runs are well, however long after the boot:
 * a machine may be slow, and what a probe asks may come back. In the boot in which a generation was committed nothing is known
 * about its boots yet, unless it was booted first. `committed` is the last update that was committed, not the last one that was
 * tried. Resolves when there is nothing more to wait for; rejects when the signal aborts.
 */
export async function blessBoot(
  committed: JournalEntry | undefined,
  { system, log }: BlessingComponents,
  { signal, pollMs, againMs }: BlessingOptions,
): Promise<void> {
  for (;;) {
    const verdict = await lookAtBoot(committed, { system, log }, { signal, pollMs }).catch((thrown: unknown) => {
      signal.throwIfAborted()
      log.warn({ reason: messageOf(thrown) }, 'the boot was not called a good one')
      return 'not yet' as const
    })
    if (verdict !== 'not yet') return
    // No reason for a process to live on.
    await sleep(againMs, undefined, { signal, ref: false })
  }
}

async function lookAtBoot(
  committed: JournalEntry | undefined,
  { system, log }: BlessingComponents,
  options: Pick<BlessingOptions, 'signal' | 'pollMs'>,
): Promise<'good' | 'unknown' | 'not yet'> {
  if (committed !== undefined && (await system.running()) === committed.new) {
    const isThisBoot = committed.boot === (await system.bootId())
    if (isThisBoot && committed.byBoot === undefined) return 'unknown'
    // One that was booted, and then committed, has just shown all of it.
    if (!isThisBoot) {
      // What is still to be started is not unwell.
      await system.bootEnds(options.signal)
      const { health } = await checkHealth({ system, log }, policyOf(committed.policy).health, undefined, options)
      if (health.state === 'failed') return 'not yet'
    }
  }
  options.signal.throwIfAborted()
  await system.blessBoot()
  return 'good'
}
