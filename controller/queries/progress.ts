/** How far one release is: on which devices it runs, on which it failed, and whether anybody still has to wait. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ReleaseProgress } from '../api/schemas/rollout.ts'
import type { Session } from '../session/session.ts'
import { deviceStatuses, hasEnded, hasFailed, isHeld } from './device-status.ts'
import { waveStatuses } from './waves.ts'

export interface ProgressOptions {
  readonly release: number
  readonly site?: string | undefined
  /** Devices that are waited for; all, if there are none. */
  readonly waitFor: readonly string[]
}

export async function queryProgress({ peer }: Session, options: ProgressOptions): Promise<ReleaseProgress> {
  const release = await peer.state.release(options.release, options.site)
  if (release !== undefined) return progressOf(peer, release, options.waitFor)
  throw new HintedError('unknown-version', `this controller doesn't know release ${options.release}`, {
    hint: '`thymesh releases` lists the releases that it knows.',
  })
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
    const runs = row.releaseSite === site && row.release === release.version
    if (row.running !== null && runs && !covered.has(row.running)) covered.set(row.running, row.device)
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
