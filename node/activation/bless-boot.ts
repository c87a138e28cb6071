/** Calls a boot a good one, for what counts boots: the portable target's counter, and systemd-boot's. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../protocol/errors.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import type { Logger } from '../process/log.ts'
import { checkHealth } from './health.ts'
import type { Journal } from './journal.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { ActivationSystem } from './system.ts'

interface BlessingComponents {
  readonly system: ActivationSystem
  readonly log: Logger
}

interface BlessingOptions {
  readonly pollMs: number
  /** The pause after a boot that was not a good one yet. */
  readonly againMs: number
}

/** Looks at the present boot, beside everything else, since it may take as long as the machine is up. */
export class BootBlessing {
  readonly #components: BlessingComponents & { readonly journal: Pick<Journal, 'committed'> }
  readonly #options: BlessingOptions
  #looking = new AbortController()
  /** Resolves when there is nothing more to wait for. */
  ended: Promise<void> = Promise.resolve()

  constructor(
    components: BlessingComponents & { readonly journal: Pick<Journal, 'committed'> },
    options: BlessingOptions,
  ) {
    this.#components = components
    this.#options = options
  }

  /** An update begins: what runs from here on says nothing about the boot. */
  stop(): void {
    this.#looking.abort()
  }

  /** `last` is the update that has just ended. */
  start(last: JournalEntry | undefined, signal: AbortSignal): void {
    this.stop()
    this.#looking = new AbortController()
    this.ended = this.#look(last, AbortSignal.any([signal, this.#looking.signal])).catch(() => {})
  }

  /**
   * A boot is a good one when the daemon is up and the probes of the generation that runs are well, however long after the boot:
   * a machine may be slow, and what a probe asks may come back. In the boot in which a generation was committed nothing is known
   * about its boots yet, unless it was booted first. What counts is the last update that was committed, not the last one that
   * was tried.
   */
  async #look(last: JournalEntry | undefined, signal: AbortSignal): Promise<void> {
    const { journal, system, log } = this.#components
    const { pollMs, againMs } = this.#options
    for (;;) {
      try {
        const committed = (await journal.committed()) ?? (last?.state === 'committed' ? last : undefined)
        if ((await lookAtBoot(committed, { system, log }, { signal, pollMs })) !== 'not yet') return
      } catch (thrown) {
        signal.throwIfAborted()
        log.warn({ reason: messageOf(thrown) }, 'the boot was not called a good one')
      }
      // No reason for a process to live on.
      await sleep(againMs, undefined, { signal, ref: false })
    }
  }
}

async function lookAtBoot(
  committed: JournalEntry | undefined,
  { system, log }: BlessingComponents,
  options: { readonly signal: AbortSignal; readonly pollMs: number },
): Promise<'good' | 'unknown' | 'not yet'> {
  if (committed !== undefined && (await system.running()) === committed.new) {
    const isThisBoot = committed.boot === (await system.bootId())
    if (isThisBoot && committed.byBoot === undefined) return 'unknown'
    // One that was booted, and then committed, has just shown all of it.
    if (!isThisBoot) {
      const { health } = await checkHealth({ system, log }, policyOf(committed.policy).health, undefined, options)
      if (health.state === 'failed') return 'not yet'
    }
  }
  options.signal.throwIfAborted()
  await system.blessBoot()
  return 'good'
}
