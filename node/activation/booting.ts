/** The effects of an update that is booted: the next boot is set, the machine reboots, and reboots again to go back. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../protocol/errors.ts'
import type { Logger } from '../process/log.ts'
import type { JournalEntry } from './journal-entry.ts'
import { blessedLooks, machineStopMs } from './limits.ts'
import { SwitchError } from './switch-error.ts'
import type { ActivationSystem } from './system.ts'
import type { Event } from './transition.ts'

interface BootingComponents {
  system: Pick<
    ActivationSystem,
    'stage' | 'unstage' | 'reboot' | 'bootEnds' | 'rollBack' | 'running' | 'boots' | 'blessBoot'
  >
  log: Logger
}

/** The event of a step that failed. */
export function failureOf(thrown: unknown): Event {
  const code = thrown instanceof SwitchError ? thrown.code : 'interrupted'
  return { type: 'failed', code, message: messageOf(thrown).slice(0, 1000) }
}

/** The next boot starts the new generation; from then on its deadline holds, without any daemon. */
export async function staged(
  entry: JournalEntry,
  { system }: BootingComponents,
  signal: AbortSignal,
  retry: (work: () => Promise<void>) => Promise<void>,
): Promise<Event> {
  try {
    await retry(() => system.stage(entry))
    return { type: 'staged' }
  } catch (thrown) {
    signal.throwIfAborted()
    return failureOf(thrown)
  }
}

/** Ends with the daemon, whose signal aborts; what follows is another boot's. */
export async function rebooted(
  entry: JournalEntry,
  { system, log }: BootingComponents,
  signal: AbortSignal,
): Promise<Event> {
  log.warn({ release: entry.release, reason: entry.byBoot }, 'rebooting for the update')
  try {
    await system.reboot()
    await untilDown(signal)
  } catch (thrown) {
    signal.throwIfAborted()
    return failureOf(thrown)
  }
  const seconds = machineStopMs / 1000
  return failureOf(new SwitchError('interrupted', `expected the machine to go down, it still runs after ${seconds} s`))
}

/**
 * What boots after the commit. A loader that counts boots passes an entry over whose last try the present boot is, until that
 * boot is called a good one. So this is done before the verdict: a power cut meanwhile is a boot to be tried again.
 */
export async function bootsAfterCommit(
  entry: JournalEntry,
  { system, log }: BootingComponents,
  { signal, pollMs }: { signal: AbortSignal; pollMs: number },
): Promise<string | undefined> {
  const boots = await system.boots(entry.target)
  if (entry.byBoot === undefined || boots === entry.new) return boots
  await system.blessBoot().catch((thrown: unknown) => {
    log.warn({ reason: messageOf(thrown) }, 'the boot was not called a good one')
  })
  for (let looks = 0; looks < blessedLooks; looks++) {
    if ((await system.boots(entry.target)) === entry.new) return entry.new
    await sleep(pollMs, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
  return await system.boots(entry.target)
}

/**
 * Away from a generation that the machine has booted leads only another boot. A boot that could not put it in place has left a
 * machine that runs none: the guard starts the old one there, and reboots once if it can't.
 */
export async function leaveBooted(
  entry: JournalEntry,
  { system, log }: BootingComponents,
  signal: AbortSignal,
): Promise<void> {
  await system.unstage(entry)
  if ((await system.running()) === undefined && entry.old !== undefined) {
    await system.bootEnds(signal)
    if ((await system.running()) === undefined) return await system.rollBack(entry, signal)
  }
  if ((await system.running()) !== entry.new) return
  log.warn({ release: entry.release }, 'rebooting into the old generation')
  await system.reboot()
  await untilDown(signal)
}

async function untilDown(signal: AbortSignal): Promise<void> {
  await sleep(machineStopMs, undefined, { signal }).catch(() => {})
  signal.throwIfAborted()
}
