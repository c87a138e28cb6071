/**
 * How far the clocks of neighbours are ahead of this one, to a second or two. Reports carry the time of their writing: the
 * way only makes it older, so the largest difference of each neighbour counts, and of all neighbours the median.
 */

import type { Report } from '../../protocol/report/report.ts'
import { comparedClocks, comparisonMs } from './limits.ts'

interface Comparison {
  readonly seconds: number
  readonly at: number
}

export interface ClockOffsetInit {
  isNeighbour(peer: string): boolean
  /** For tests. */
  now?: () => number
}

export class ClockOffset {
  readonly #init: ClockOffsetInit
  readonly #now: () => number
  readonly #best = new Map<string, Comparison>()

  constructor(init: ClockOffsetInit) {
    this.#init = init
    this.#now = init.now ?? Date.now
  }

  heard({ peer, at }: Pick<Report, 'peer' | 'at'>): void {
    if (at === undefined || !this.#init.isNeighbour(peer)) return
    const now = this.#now()
    const seconds = (Date.parse(at) - now) / 1000
    const before = this.#best.get(peer)
    if (before !== undefined && before.seconds > seconds && now - before.at < comparisonMs) return
    this.#best.delete(peer)
    this.#best.set(peer, { seconds, at: now })
    const [oldest] = this.#best.keys()
    if (this.#best.size > comparedClocks && oldest !== undefined) this.#best.delete(oldest)
  }

  /** Positive where the neighbours are ahead; undefined where none has reported lately. */
  get seconds(): number | undefined {
    const now = this.#now()
    // Our own clock may have been set meanwhile: what was compared before then says nothing.
    const recent = [...this.#best.values()].filter(({ at }) => at <= now && now - at < comparisonMs)
    const sorted = recent.map(({ seconds }) => seconds).sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)]
  }
}
