/** The update's state machine, pure: the next state after an event, and after a start of the daemon. */

import { policyOf } from '../../protocol/release/update-policy.ts'
import type { Health } from '../../protocol/report/report.ts'
import { type ActivationState, type FailureCode, finalStates, type JournalEntry } from './journal-entry.ts'
import { machineLacks } from './switch-error.ts'

/** An event of an update in its present state. */
export type Event =
  /** The next boot is the new generation's, only that one. */
  | { type: 'staged' }
  /** The deadline is set: from here on the old generation comes back by itself. */
  | { type: 'armed' }
  /** switch-to-configuration has ended, with this code (none: it was killed), and this is what runs. */
  | { type: 'tested'; code: number | null; running: string | undefined; output?: string }
  | { type: 'probed'; health: Health }
  /** Enough members have answered. */
  | { type: 'confirmed' }
  /** Units that held it are well again. */
  | { type: 'healed' }
  /** A newer release wants something else. */
  | { type: 'superseded' }
  /** It is what boots. */
  | { type: 'committed' }
  /** A step failed. */
  | { type: 'failed'; code: FailureCode; message: string }
  /** The guard, or we in its place, have decided to go back. */
  | { type: 'deadline' }
  /** Going back has ended, and this is what runs and boots. */
  | { type: 'returned'; running: string | undefined; boots: string | undefined }

export class TransitionError extends Error {}

/** The entry that follows. Throws a TransitionError for an event that can't happen in the entry's state. */
export function step(entry: JournalEntry, event: Event): JournalEntry {
  const { state } = entry
  const to = (next: ActivationState, more: Partial<JournalEntry> = {}): JournalEntry => ({
    ...entry,
    ...more,
    state: next,
  })
  const back = (code: FailureCode, message: string, more: Partial<JournalEntry> = {}) =>
    to('rolling-back', { ...more, code, message })

  switch (`${state}/${event.type}`) {
    case 'staging/staged':
      return to('rebooting')
    case 'rebooting/deadline':
      return back('boot-failed', 'it booted, but no daemon of it was up before the deadline')
    case 'armed/armed':
      return to('testing')
    case 'testing/tested':
      return event.type === 'tested' ? tested(entry, event) : entry
    case 'probing/probed':
      return event.type === 'probed' ? probed(entry, event.health) : entry
    case 'confirming/confirmed':
      return entry.health?.state === 'degraded' && policyOf(entry.policy).degraded === 'hold'
        ? to('held')
        : to('committing')
    case 'held/healed':
      return to('committing', { health: { state: 'healthy' } })
    case 'held/superseded':
      return back('superseded', 'a newer release came while this one was held')
    case 'held/deadline':
      return back('deadline', 'the deadline came first')
    case 'committing/committed':
      return to('committed')
    case 'testing/deadline':
      return back('deadline', 'the switch did not end before the deadline')
    case 'probing/deadline':
      return back('deadline', 'the health was not known before the deadline')
    case 'confirming/deadline':
      return back('no-contact', contactMessage(entry))
    case 'committing/deadline':
      return back('deadline', 'the deadline came first')
    case 'armed/failed':
      // Nothing was changed.
      return event.type === 'failed' ? to('interrupted', { code: event.code, message: event.message }) : entry
    case 'staging/failed':
    case 'rebooting/failed':
    case 'testing/failed':
    case 'probing/failed':
    case 'confirming/failed':
    case 'committing/failed':
      return event.type === 'failed' ? back(event.code, event.message) : entry
    case 'rolling-back/returned':
      return event.type === 'returned' ? returned(entry, event) : entry
    default:
      throw new TransitionError(`an update that is ${state} can't be ${event.type}`)
  }
}

/**
 * Exit codes alone decide nothing: 4 says that units failed, which the comparison with those that failed before knows
 * better; any other may collide with an errno. The running top level decides, and only the codes 0 and 4 can be healthy.
 */
function tested(entry: JournalEntry, event: Extract<Event, { type: 'tested' }>): JournalEntry {
  const { code, running, output } = event
  if (running === entry.new && (code === 0 || code === 4)) return { ...entry, state: 'probing' }
  if (running !== entry.new && (code === 0 || code === 4)) {
    const message = `expected ${entry.new} to run after the switch, got ${running ?? 'nothing'}`
    return { ...entry, state: 'rolling-back', code: 'not-running', message }
  }
  // Memory ran out, or the machine goes down: no verdict.
  if (code === null) {
    const message = 'switch-to-configuration test was killed'
    return { ...entry, state: 'rolling-back', code: 'interrupted', message }
  }
  const said = output === undefined || output === '' ? '' : `:\n${output}`
  const message = `switch-to-configuration test ended with code ${code}${said}`.slice(0, 1000)
  return { ...entry, state: 'rolling-back', code: machineLacks.test(said) ? 'interrupted' : 'switch-failed', message }
}

function probed(entry: JournalEntry, health: Health): JournalEntry {
  if (health.state === 'healthy') return { ...entry, state: 'confirming', health }
  if (health.state === 'failed') {
    const message = `probes failed: ${(health.probes ?? []).join(', ')}`
    return { ...entry, state: 'rolling-back', health, code: 'health-failed', message }
  }
  if (policyOf(entry.policy).degraded !== 'roll-back') return { ...entry, state: 'confirming', health }
  const message = `units failed that did not before: ${(health.units ?? []).join(', ')}`
  return { ...entry, state: 'rolling-back', health, code: 'degraded', message }
}

/** A rollback has succeeded only if the old top level runs and the new one is not the boot default. */
function returned(
  entry: JournalEntry,
  found: { running: string | undefined; boots: string | undefined },
): JournalEntry {
  if (found.running === entry.old && found.boots !== entry.new) {
    return { ...entry, state: entry.code === 'interrupted' ? 'interrupted' : 'rolled-back' }
  }
  const message = `${entry.message ?? 'the update failed'}; going back failed too: expected ${entry.old ?? 'nothing'} to run, got ${found.running ?? 'nothing'}`
  return { ...entry, state: 'failed', code: 'rollback-failed', message: message.slice(0, 1000) }
}

export function contactsNeeded(entry: Pick<JournalEntry, 'contacts' | 'policy'>): number {
  return Math.min(policyOf(entry.policy).confirm.peers, entry.contacts)
}

function contactMessage(entry: JournalEntry): string {
  return `${entry.contacts} members answered before the switch; after it fewer than ${contactsNeeded(entry)} did before the deadline`
}

/** The machine as a daemon finds it at its start. */
export interface Found {
  /** The present boot, and how many seconds the machine is up. */
  boot: string
  uptime: number
  running: string | undefined
  boots: string | undefined
  /** The decision, by the daemon or by the guard. */
  decision: Decision | undefined
  /** The daemon was told to stop before the update ended. */
  stopped?: boolean
}
export type Decision = 'commit' | 'hold' | 'roll-back'

/**
 * Where an update stands after the daemon or the machine has started again. In the same boot it goes on where it was:
 * all its steps can be taken twice. After another boot, what was only tested is gone: the machine runs what boots.
 */
export function resume(entry: JournalEntry, found: Found): JournalEntry {
  const { state } = entry
  const sameBoot = entry.boot === found.boot
  if (state === 'committed') return booted(entry, sameBoot, found.running)
  if (finalStates.has(state)) return entry
  if (sameBoot) {
    if (found.decision !== 'roll-back' || state === 'rolling-back') return entry
    // Nobody was there to confirm it.
    if (found.stopped) return { ...entry, state: 'rolling-back', code: 'interrupted', message: stoppedMessage }
    return step(state === 'armed' ? { ...entry, state: 'testing' } : entry, { type: 'deadline' })
  }
  if (state === 'committing' && found.boots === entry.new && found.running === entry.new) {
    return { ...entry, state: 'committed' }
  }
  if (entry.byBoot !== undefined) return rebooted(entry, found)
  if (found.running === entry.new || found.boots === entry.new) {
    // It runs although it was not confirmed, or boots although it does not run: half a commit is taken back.
    const { code = 'interrupted', message = startedAnew } = entry
    return { ...entry, state: 'rolling-back', code, message }
  }
  if (state === 'rolling-back') return step(entry, { type: 'returned', ...found })
  // The guard had decided before the machine went down, or took it down itself: that is a verdict. (A decision that is
  // there while it is only armed is of an earlier attempt.)
  if (found.decision === 'roll-back' && state !== 'armed' && !found.stopped) {
    return step(step(entry, { type: 'deadline' }), { type: 'returned', ...found })
  }
  return { ...entry, state: 'interrupted', code: 'interrupted', message: startedAnew }
}

const startedAnew = 'the machine started anew before the update was confirmed'
const stoppedMessage = 'the daemon was told to stop, and so did not confirm the update before the deadline'

/**
 * An update that is booted, after another boot. Whatever ends it goes by way of `rolling-back`, whose effect removes what was
 * staged. A boot that came to nothing may have been a power cut, so it is tried again.
 */
function rebooted(entry: JournalEntry, found: Found): JournalEntry {
  const { state, code = 'interrupted', message = startedAnew } = entry
  const runs = found.running === entry.new
  if (state === 'rolling-back') return entry
  if (found.decision === 'roll-back' && state !== 'staging' && !found.stopped) return step(entry, { type: 'deadline' })
  if (runs && found.boots !== entry.new) {
    const deadline = found.uptime + policyOf(entry.policy).confirm.deadlineSeconds
    return { ...entry, state: 'probing', boot: found.boot, deadline }
  }
  if (state === 'rebooting' && !runs) {
    const failed = `the machine did not come up with ${entry.new}, or lost its power meanwhile`
    return { ...entry, state: 'rolling-back', code, message: failed }
  }
  return { ...entry, state: 'rolling-back', code, message }
}

/** A committed generation that a later boot did not start: the boot loader or the boot counter fell back. */
function booted(entry: JournalEntry, sameBoot: boolean, running: string | undefined): JournalEntry {
  if (sameBoot || running === undefined || running === entry.new) return entry
  if (running !== entry.old) return entry
  const message = `the machine did not come up with ${entry.new}, and went back to ${running}`
  return { ...entry, state: 'rolled-back', code: 'boot-failed', message }
}
