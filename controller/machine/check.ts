/** One check of a machine: what was found, and what to do about it. */

export interface Check {
  readonly check: string
  readonly ok: boolean
  /** What was found. */
  readonly message: string
  /** What to do about it; null where all is well. */
  readonly hint: string | null
}

export function well(check: string, message: string): Check {
  return { check, ok: true, message, hint: null }
}

export function wrong(check: string, message: string, hint: string): Check {
  return { check, ok: false, message, hint }
}
