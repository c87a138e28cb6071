/** Watching a release reach its devices, until all have ended or the operator leaves. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Release } from '../../protocol/release/release.ts'
import { type DeviceStatus, deviceStatuses, hasEnded, hasFailed, isHeld } from './device-status.ts'

export interface Rollout {
  readonly rows: DeviceStatus[]
  /** Whether every device that the release names has ended with it. */
  readonly complete: boolean
  /** Whether it goes on only with a newer release or a promotion: all that have not ended are held by failures. */
  readonly held: boolean
  /** Names of peers other than this one that have the whole release: with one of them the controller may leave. */
  readonly holders: string[]
  /** Names of devices that have failed with this release, for good or for now. */
  readonly failed: string[]
  /** Devices that are waited for and have not ended with this release. */
  readonly waiting: DeviceStatus[]
}

/** How the release stands, by the reports that have come; complete when the devices of `waitFor`, or all, have ended. */
export function rolloutOf(peer: ControllerPeer, release: Release, waitFor: readonly string[] = []): Rollout {
  const { site = null } = release
  const rows = deviceStatuses(peer).filter(row => row.follows === site && Object.hasOwn(release.devices, row.device))
  const named = new Set(waitFor)
  const awaited = rows.filter(({ device }) => named.size === 0 || named.has(device))
  const tops = new Set(Object.values(release.configs).map(({ topLevel }) => topLevel))
  const covered = new Map<string, string>()
  for (const row of rows) {
    if (
      row.running !== null &&
      row.releaseSite === site &&
      row.release === release.version &&
      !covered.has(row.running)
    ) {
      covered.set(row.running, row.device)
    }
  }
  const isCovered = [...tops].every(top => covered.has(top))
  const waiting = awaited.filter(row => !hasEnded(row, release))
  return {
    rows,
    complete: waiting.length === 0,
    waiting,
    held: waiting.length > 0 && waiting.every(row => isHeld(row, release)),
    holders: isCovered ? [...covered.values()] : [],
    failed: rows.filter(row => hasFailed(row, release)).map(({ device }) => device),
  }
}

/** Reports come in bursts, and each look is at the whole fleet. */
const quietMs = 200

/**
 * Calls `onChange` at first and soon after reports or certificates have come, until the rollout is complete or held, or
 * the signal ends the watch.
 */
export async function watchRollout(
  peer: ControllerPeer,
  release: Release,
  signal: AbortSignal,
  onChange: (rollout: Rollout) => void,
  waitFor: readonly string[] = [],
): Promise<Rollout> {
  const changed = Promise.withResolvers<void>()
  const look = () => {
    const rollout = rolloutOf(peer, release, waitFor)
    onChange(rollout)
    if (rollout.complete || rollout.held) changed.resolve()
  }
  let timer: NodeJS.Timeout | undefined
  const lookSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      look()
    }, quietMs)
  }
  signal.addEventListener('abort', () => changed.resolve(), { once: true })
  peer.directory.on('report', lookSoon)
  peer.directory.on('certificate', lookSoon)
  try {
    look()
    if (signal.aborted) changed.resolve()
    await changed.promise
  } finally {
    clearTimeout(timer)
    peer.directory.off('report', lookSoon)
    peer.directory.off('certificate', lookSoon)
  }
  return rolloutOf(peer, release, waitFor)
}
