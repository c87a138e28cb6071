/** How far one release is: on which devices it runs, on which it failed, and whether anybody still has to wait. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { type Release, wantedConfig } from '../../protocol/release/release.ts'
import type { ReleaseProgress } from '../api/schemas/rollout.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import type { Session } from '../session/session.ts'
import { deviceStatuses, hasEnded, hasFailed, isHeld } from './device-status.ts'
import { knownRelease } from './known-release.ts'
import { waveStatuses } from './waves.ts'

export interface ProgressOptions {
  readonly release: number
  readonly site?: string | undefined
  /** Devices that are waited for; all, if there are none. */
  readonly waitFor: readonly string[]
}

export async function queryProgress({ peer }: Session, options: ProgressOptions): Promise<ReleaseProgress> {
  return progressOf(peer, await knownRelease(peer.state, options.release, options.site), options.waitFor)
}

/** By the reports that have come. */
export function progressOf(
  peer: Pick<ControllerPeer, 'directory' | 'state' | 'closures'>,
  release: Release,
  waitFor: readonly string[] = [],
): ReleaseProgress {
  const { site = null } = release
  const rows = deviceStatuses(peer).filter(row => row.follows === site && Object.hasOwn(release.devices, row.device))
  const named = new Set(waitFor)
  const awaited = rows.filter(({ device }) => named.size === 0 || named.has(device))
  const tops = new Set(Object.values(release.configs).map(({ topLevel }) => topLevel))
  const covered = new Map<string, string>()
  for (const row of rows) {
    const top = heldBy(row, release)
    if (top !== null && !covered.has(top)) covered.set(top, row.device)
  }
  const waiting = awaited.filter(row => !hasEnded(row, release))
  return {
    release: release.version,
    ...(release.site !== undefined && { site: release.site }),
    complete: waiting.length === 0,
    held: waiting.length > 0 && waiting.every(row => isHeld(row, release)),
    restores: release.restores ?? null,
    holders: [...tops].every(top => covered.has(top)) ? [...covered.values()] : [],
    failed: rows.filter(row => hasFailed(row, release)).map(({ device }) => device),
    waiting: waiting.map(({ device }) => device),
    damaged: [...peer.closures.damaged.all],
    devices: rows,
    waves: release.rollout === undefined ? [] : waveStatuses(peer, release),
  }
}

/**
 * The top level of the release that a device has whole: it runs it, or it has fetched all of it and waits for its
 * turn, its window or its switch.
 */
function heldBy(row: DeviceStatus, release: Release): string | null {
  const ofThis = row.releaseSite === (release.site ?? null)
  if (ofThis && row.release === release.version) return row.running
  const { update } = row
  // Without prefetching, a device that waits has an update of no paths: it has not looked yet.
  const fetched = update?.release === release.version && update.paths > 0 && update.pathsDone === update.paths
  return fetched && (ofThis || row.releaseSite === null) ? (wantedConfig(release, row.device)?.topLevel ?? null) : null
}
