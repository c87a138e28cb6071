/** Ends an update's step when the deadline passes or the guard has decided to roll back. */

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../protocol/errors.ts'
import type { JournalEntry } from './journal-entry.ts'
import { deadlineGraceSeconds } from './limits.ts'
import type { ActivationSystem } from './system.ts'
import type { Event } from './transition.ts'

type DeadlineSystem = Pick<ActivationSystem, 'hasGuard' | 'uptime' | 'decide' | 'decision'>

/**
 * The event of an effect, or the deadline's. An effect that throws is the machine's own trouble, and no verdict on the
 * generation. Rejects when the signal aborts.
 */
export async function beforeDeadline(
  system: DeadlineSystem,
  entry: JournalEntry,
  options: { signal: AbortSignal; pollMs: number },
  effect: (signal: AbortSignal) => Promise<Event>,
): Promise<Event> {
  const { signal, pollMs } = options
  const late = new AbortController()
  const done = new AbortController()
  const watch = async () => {
    // Arming removes what an attempt of the same name may have decided.
    while (entry.state !== 'armed' && !done.signal.aborted) {
      // A question that fails is asked again.
      const decision = await decisionAt(system, entry).catch(() => undefined)
      if (decision === 'roll-back') return late.abort(new Error('the deadline has come'))
      await sleep(pollMs, undefined, { signal: done.signal }).catch(() => {})
    }
  }
  const watching = watch()
  try {
    return await effect(AbortSignal.any([signal, late.signal]))
  } catch (thrown) {
    signal.throwIfAborted()
    if (late.signal.aborted) return { type: 'deadline' }
    return { type: 'failed', code: 'interrupted', message: messageOf(thrown).slice(0, 1000) }
  } finally {
    done.abort()
    await watching
  }
}

/** The decision so far. If the guard is late, the daemon decides in its place. */
async function decisionAt(system: DeadlineSystem, entry: JournalEntry) {
  const grace = system.hasGuard ? deadlineGraceSeconds : 0
  const isOver = (await system.uptime()) >= entry.deadline + grace
  return isOver ? await system.decide(entry, 'roll-back') : await system.decision(entry)
}
