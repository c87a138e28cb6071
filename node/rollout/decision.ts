/** A device's decision about its turn in a rollout, with its reason. */

export interface Progress {
  /** The awaited wave, starting at 1. */
  readonly wave: number
  readonly confirmed: number
  readonly failed: number
  /** The number of devices in that wave. */
  readonly of: number
}

export type Decision =
  | { readonly is: 'open'; readonly wave: number; readonly reason: string }
  | {
      readonly is: 'waiting'
      readonly wave: number
      readonly waitsFor?: Progress
      /** The time until the decision may change; undefined if only new reports can change it. */
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

/** A duration for people, rounded up: 45 s, 12 min, 3 h, 2 days. */
export function inWords(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.ceil(seconds / 3600)} h`
  return `${Math.ceil(seconds / 86_400)} days`
}

/** Up to three names, and the number of the others. */
export function namesInWords(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
