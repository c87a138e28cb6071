/** The end-game: which requests that let us wait are worth asking at a second peer. */

import type { SchedulerLimits } from '../limits.ts'
import type { PeerState } from './scheduler-peer.ts'

/** What it reads of the scheduler. */
export interface EndGameView {
  readonly peers: readonly PeerState[]
  readonly limits: SchedulerLimits
  readonly lengths: Uint32Array
  /** How many peers were asked for each chunk. */
  readonly asked: Uint8Array
  /** Every wanted chunk was asked for, and few are missing. */
  readonly isLast: boolean
  /** No other local peer fetches the closure: there is nobody to share the uplink with. */
  readonly isAlone: boolean
}

export interface Duplicate {
  readonly chunk: number
  readonly peer: PeerState
}

/** Requests to send a second time now, each to the least busy peer that can give the chunk. */
export function duplicates(view: EndGameView, now: number): Duplicate[] {
  const isEarly = !view.isLast && !view.peers.some(peer => now - (peer.oldestAt ?? now) >= view.limits.slowMs)
  const idle = isEarly ? [] : view.peers.filter(peer => peer.isReady(now))
  if (idle.length === 0) return []
  const found: Duplicate[] = []
  const times = serviceTimes(view)
  for (const source of view.peers) {
    const limit = patience(view, times, source)
    for (const [chunk, sentAt] of source.flights) {
      // Flights are in the order of their age, and those of a peer are all measured alike.
      if (now - sentAt < limit || found.length >= view.limits.endGameChunks) break
      if ((view.asked[chunk] ?? 0) > 1 || found.some(each => each.chunk === chunk)) continue
      const peer = alternative(idle, source, chunk, view.lengths[chunk] ?? 0)
      if (peer !== undefined) found.push({ chunk, peer })
    }
  }
  return found
}

/** When the next request becomes slow; Infinity when there is none. */
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

/** What the peers take to answer, sorted: sorting anew for each of them would be most of a turn's cost. */
function serviceTimes(view: EndGameView): number[] {
  const times: number[] = []
  for (const { serviceMs } of view.peers) if (serviceMs !== undefined) times.push(serviceMs)
  return times.sort((a, b) => a - b)
}

/** How long we wait for a peer before a second one is asked. */
function patience(view: EndGameView, times: readonly number[], source: PeerState): number {
  const usual = medianWithout(times, source.serviceMs)
  const slow = Math.max(view.limits.slowMs, view.limits.slowFactor * (usual ?? 0))
  // The uplink is shared: there the last chunks aren't asked twice for being the last, only for being slow.
  if (!view.isLast || !(source.local || view.isAlone)) return slow
  return Math.min(slow, usual ?? slow)
}

/** A local peer if any; a remote one only instead of another remote one, so that the uplink isn't used for the LAN's sake. */
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

/** The median of sorted numbers without one of them. */
function medianWithout(times: readonly number[], without: number | undefined): number | undefined {
  if (without === undefined) return times[(times.length - 1) >> 1]
  const middle = (times.length - 2) >> 1
  return times.length < 2 ? undefined : times[middle + ((times[middle] as number) >= without ? 1 : 0)]
}
