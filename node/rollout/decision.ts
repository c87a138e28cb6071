/** What a device decides about its turn in a rollout, and why, in data and in words. */

export interface Progress {
  /** The wave that is waited for, from 1. */
  readonly wave: number
  readonly confirmed: number
  readonly failed: number
  /** Devices of that wave. */
  readonly of: number
}

export type Decision =
  | { readonly is: 'open'; readonly wave: number; readonly reason: string }
  | {
      readonly is: 'waiting'
      readonly wave: number
      readonly waitsFor?: Progress
      /** Until time alone may change the decision; undefined when only news can. */
      readonly milliseconds?: number
      readonly reason: string
    }
  | {
      readonly is: 'held'
      readonly wave: number
      readonly by: Progress
      readonly failures: readonly string[]
      readonly reason: string
    }

/** A time as people say it, rounded up: 45 s, 12 min, 3 h, 2 days. */
export function inWords(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.ceil(seconds / 3600)} h`
  return `${Math.ceil(seconds / 86_400)} days`
}

/** Some names, and how many more there are. */
export function namesInWords(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
