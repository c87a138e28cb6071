/**
 * Takes arriving bytes for progress of a turn: on a slow link a batch takes longer than a turn may stall. What comes as fast as
 * over the slowest link that counts is progress; a drip is none.
 */

import type { Turn } from '../../concurrency/turns.ts'
import { slowestBytesPerMs, syncStallMs } from '../limits.ts'

/** Bytes that the slowest link brings before a turn stalls. */
const progressBytes = syncStallMs * slowestBytesPerMs

/** Hears of bytes, as they arrive. */
export function arrivals(turn: Pick<Turn, 'progress'>): (bytes: number) => void {
  let arrived = 0
  return bytes => {
    arrived += bytes
    if (arrived < progressBytes) return
    arrived = 0
    turn.progress()
  }
}
