/**
 * When a device reports again without being asked to: soon after a change, then ever more rarely, as Trickle (RFC 6206)
 * does. Every peer receives and verifies each report.
 */

import { reportFirstMs, reportLastMs } from './limits.ts'

export interface ReportScheduleInit {
  /** Whether the report would say something else than the last one. */
  hasChanged(): boolean
  /** Whether others wait for as long as they hear of this device: then silence must not look like its absence. */
  isAwaited(): boolean
  report(): void
  /** For tests. */
  random?: () => number
}

export class ReportSchedule {
  readonly #init: ReportScheduleInit
  /** Looks since the last report, and how many there are until the next one. */
  #looks = 0
  #looksBetween = 1
  #timer: NodeJS.Timeout | undefined

  constructor(init: ReportScheduleInit) {
    this.#init = init
  }

  start(): void {
    const { random = Math.random } = this.#init
    // Varied by a fifth, so that a site's devices, which start together, don't report in step.
    this.#timer = setTimeout(() => this.#look(), reportFirstMs * (0.8 + 0.4 * random()))
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Something was reported that changed. */
  changed(): void {
    this.#looks = 0
    this.#looksBetween = 1
  }

  #look(): void {
    this.start()
    const { hasChanged, isAwaited, report } = this.#init
    if (hasChanged()) {
      report()
      this.changed()
      return
    }
    this.#looks++
    if (this.#looks < this.#looksBetween && !isAwaited()) return
    report()
    this.#looks = 0
    this.#looksBetween = Math.min(2 * this.#looksBetween, reportLastMs / reportFirstMs)
  }
}
