/** Keeps the progress of a fetch within its device's site; others hear of it once a minute. */

import { isDeepStrictEqual } from 'node:util'
import { LRUCache } from 'lru-cache'
import { limits } from '../../../protocol/limits.ts'
import type { Report } from '../../../protocol/report/report.ts'
import { progressBeyondSiteMs } from '../limits.ts'

export interface ProgressFilterInit {
  /** Whether a member is of our own site. */
  isOfOurSite(peer: string): boolean
  now?: () => number
}

export class ProgressFilter {
  readonly #init: ProgressFilterInit
  /** When a report of each peer was passed on last. */
  readonly #passed = new LRUCache<string, number>({ maxSize: limits.members, sizeCalculation: () => 1 })

  constructor(init: ProgressFilterInit) {
    this.#init = init
  }

  /** Whether a new report goes on to our neighbours. `before` is the last known one of the same device. */
  passes(report: Report, before: Report | undefined): boolean {
    const { isOfOurSite, now = () => performance.now() } = this.#init
    const last = this.#passed.get(report.peer)
    const isSoon = last !== undefined && now() - last < progressBeyondSiteMs
    if (isSoon && isProgress(report, before) && !isOfOurSite(report.peer)) return false
    this.#passed.set(report.peer, now())
    return true
  }
}

/** Whether a report says no more than how far a fetch is. */
function isProgress(report: Report, before: Report | undefined): boolean {
  return report.state === 'fetching' && before !== undefined && isDeepStrictEqual(rest(report), rest(before))
}

function rest({ counter: _c, at: _a, update: _u, ...others }: Report): object {
  return others
}
