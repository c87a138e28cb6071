/** The machine as the state machine sees it: queries and actions. Every action is idempotent. */

import type { Target } from '../../protocol/encoding/fields.ts'
import type { JournalEntry } from './journal-entry.ts'
import type { RebootNeed } from './reboot-need.ts'
import type { Decision } from './transition.ts'
import type { UnitState } from './unit-health.ts'

export interface ActivationSystem {
  /** Whether the deadline holds without the daemon: it then waits for the guard before it acts in its place. */
  readonly hasGuard: boolean
  /** Whether what it switches to is started; where it isn't, no probe can be answered by it. */
  readonly startsUnits: boolean
  /** Changes with every start of the machine. */
  bootId(): Promise<string>
  /** Seconds that the machine is up, whatever its clock says. */
  uptime(): Promise<number>
  /** The running top level, as the machine reports it. */
  running(): Promise<string | undefined>
  /** The top level of the next boot. */
  boots(target: Target): Promise<string | undefined>
  /**
   * Units that are loaded, and those that the targets of a top level want; none where nothing is started. With the update
   * that it is asked for, wants count only if they counted when that was armed.
   */
  units(topLevel: string | undefined, entry?: JournalEntry): Promise<readonly UnitState[]>
  /** Whether a unit is active; never asked where none is started. */
  unitIsActive(unit: string, signal: AbortSignal): Promise<boolean>

  /** What of a next generation only a boot brings; never asked where nothing is started. */
  rebootNeed(target: Target, generations: { running: string; next: string }): Promise<RebootNeed | undefined>
  /** Makes the next boot, and only that one, start the new generation, and sets a deadline for it. */
  stage(entry: JournalEntry): Promise<void>
  /** Makes the next boot an ordinary one again; also when nothing was staged. */
  unstage(entry: JournalEntry): Promise<void>
  /** Asks for a reboot. */
  reboot(): Promise<void>
  /** Waits until everything that a boot starts has been started. */
  bootEnds(signal: AbortSignal): Promise<void>

  /** Whether the machine is going down. */
  isStopping(): Promise<boolean>
  /** Notes that the daemon was told to stop in the middle of an update, which is no verdict; or that it goes on. */
  markStopped(entry: JournalEntry, stopped: boolean): Promise<void>
  wasStopped(entry: JournalEntry): Promise<boolean>

  /** Sets the deadline, seconds from now; it holds without the daemon where the machine can keep it. */
  arm(entry: JournalEntry, seconds: number): Promise<void>
  /** Cancels the deadline. */
  disarm(entry: JournalEntry): Promise<void>
  /** Runs `switch-to-configuration test` of the new generation, or waits for the one that runs; its exit code. */
  test(entry: JournalEntry, signal: AbortSignal): Promise<number | null>
  /** Rolls back to the old generation, or waits for a rollback that is under way. */
  rollBack(entry: JournalEntry, signal: AbortSignal): Promise<void>
  /** Makes the new generation the profile's newest, and the one that boots. */
  commit(entry: JournalEntry): Promise<void>
  /** Makes the decision unless there is one, and returns the one that holds. `force` replaces one of our own. */
  decide(entry: JournalEntry, wanted: Decision, force?: boolean): Promise<Decision>
  decision(entry: JournalEntry): Promise<Decision | undefined>
  /** Marks this boot as good: no boot counts against this generation any more. */
  blessBoot(): Promise<void>
  /** The output of the switch and of the rollback. */
  output(entry: JournalEntry): Promise<string>
  /** What of the running generation is not in force before a reboot, or at all, a line each; `switch` wrote it down. */
  notInForce(): Promise<readonly string[]>
  /** The last lines of a unit's journal; empty where there is none. */
  journalOf(unit: string): Promise<string>
}
