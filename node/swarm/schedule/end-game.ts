/** The end-game: chooses slow requests to repeat at a second peer. */

import type { SchedulerLimits } from '../limits.ts'
import type { PeerState } from './scheduler-peer.ts'

/** The scheduler's state that it reads. */
export interface EndGameView {
  readonly peers: readonly PeerState[]
  readonly limits: SchedulerLimits
  readonly lengths: Uint32Array
  /** How many peers were asked for each chunk. */
  readonly asked: Uint8Array
  /** Every wanted chunk was requested, and few are missing. */
  readonly isLast: boolean
  /** No other local peer fetches the closure, so the uplink isn't shared. */
  readonly isAlone: boolean
}

export interface Duplicate {
  readonly chunk: number
  readonly peer: PeerState
}

/** Requests to send a second time now, each to the least busy peer that has the chunk. */
export function duplicates(view: EndGameView, now: number): Duplicate[] {
  const isEarly = !view.isLast && !view.peers.some(peer => now - (peer.oldestAt ?? now) >= view.limits.slowMs)
  const idle = isEarly ? [] : view.peers.filter(peer => peer.isReady(now))
  if (idle.length === 0) return []
  const found: Duplicate[] = []
  const times = serviceTimes(view)
  for (const source of view.peers) {
    const limit = patience(view, times, source)
    for (const [chunk, sentAt] of source.flights) {
      // In-flight requests are sorted by age, and those of a peer share one limit.
      if (now - sentAt < limit || found.length >= view.limits.endGameChunks) break
      if ((view.asked[chunk] ?? 0) > 1 || found.some(each => each.chunk === chunk)) continue
      const peer = alternative(idle, source, chunk, view.lengths[chunk] ?? 0)
      if (peer !== undefined) found.push({ chunk, peer })
    }
  }
  return found
}

/** When the next request becomes slow; Infinity if there are none. */
export function slowAt(view: EndGameView): number {
  let at = Number.POSITIVE_INFINITY
  const times = serviceTimes(view)
  for (const source of view.peers) {
    for (const [chunk, sentAt] of source.flights) {
      if ((view.asked[chunk] ?? 0) > 1) continue
      at = Math.min(at, sentAt + patience(view, times, source))
      break
    }
  }
  return at
}

/** The peers' service times, sorted once: sorting for each peer would dominate the cost of a step. */
function serviceTimes(view: EndGameView): number[] {
  const times: number[] = []
  for (const { serviceMs } of view.peers) if (serviceMs !== undefined) times.push(serviceMs)
  return times.sort((a, b) => a - b)
}

/** How long we wait for a peer before we ask a second one. */
function patience(view: EndGameView, times: readonly number[], source: PeerState): number {
  const usual = medianWithout(times, source.serviceMs)
  const slow = Math.max(view.limits.slowMs, view.limits.slowFactor * (usual ?? 0))
  // The uplink is shared: over it, the last chunks are requested twice only if they are slow.
  if (!view.isLast || !(source.local || view.isAlone)) return slow
  return Math.min(slow, usual ?? slow)
}

/**
 * A local peer if possible; a remote one only instead of another remote one, so that LAN requests never move to the
 * uplink.
 */
function alternative(
  idle: readonly PeerState[],
  source: PeerState,
  chunk: number,
  length: number,
): PeerState | undefined {
  let best: PeerState | undefined
  for (const peer of idle) {
    if (peer === source || !peer.canGive(chunk) || !peer.fits(length) || (source.local && !peer.local)) continue
    const isBetter = best === undefined || (peer.local !== best.local ? peer.local : peer.fullness < best.fullness)
    if (isBetter) best = peer
  }
  return best
}

/** The median of sorted numbers, excluding one of them. */
function medianWithout(times: readonly number[], without: number | undefined): number | undefined {
  if (without === undefined) return times[(times.length - 1) >> 1]
  const middle = (times.length - 2) >> 1
  return times.length < 2 ? undefined : times[middle + ((times[middle] as number) >= without ? 1 : 0)]
}
