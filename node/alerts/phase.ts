/** The life of one alert: a condition must last before it counts, and be over for a while before that counts. */

import { calmMs, flapCalmMs, flapsPerHour, hourMs } from './limits.ts'

export interface Phase {
  /** Since when the condition has held, on a steady clock in milliseconds; undefined while it does not. */
  readonly holds?: number
  /** Since when it has not, while the alert lasts. */
  readonly calm?: number
  readonly firing: boolean
  /** When it began lately, the oldest first. */
  readonly began: readonly number[]
}

export const quietPhase: Phase = { firing: false, began: [] }

/** An alert that lasts already, from before a restart. */
export const lastingPhase: Phase = { firing: true, began: [] }

/**
 * The next phase. `holds` is undefined where nobody knows: then nothing changes. `forMs` is how long it must last. Times are of
 * a steady clock: one that is set takes no part.
 */
export function nextPhase(phase: Phase, holds: boolean | undefined, forMs: number, now: number): Phase {
  if (holds === undefined) return phase
  const began = phase.began.filter(at => now - at < hourMs)
  if (holds) {
    const since = phase.holds ?? now
    if (phase.firing) return { holds: since, firing: true, began }
    if (now - since < forMs) return { holds: since, firing: false, began }
    return { holds: since, firing: true, began: [...began, now] }
  }
  if (!phase.firing) return { firing: false, began }
  const calm = phase.calm ?? now
  const needed = flaps({ ...phase, began }) ? flapCalmMs : calmMs
  return now - calm < needed ? { calm, firing: true, began } : { firing: false, began }
}

/** Whether it begins and ends so often that its ends say nothing. */
export function flaps({ began }: Phase): boolean {
  return began.length >= flapsPerHour
}
