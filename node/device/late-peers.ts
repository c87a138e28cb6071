/** Failures that are no news yet: what a release names may come a moment after the release. */

import { lacksPeers } from './device-report.ts'

export class LatePeers {
  /** The release whose documents no peer had at the last attempt: the next one reports it. */
  #missedOnce: number | undefined

  /** Whether a failed attempt at a release is to be reported. */
  isToBeReported(release: number, thrown: unknown): boolean {
    const before = this.#missedOnce
    this.#missedOnce = release
    return !lacksPeers(thrown) || before === release
  }
}
