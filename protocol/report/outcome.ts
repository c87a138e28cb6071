/** The outcome of one release on a device, derived from its report: confirmed, failed or pending. */

import { mayName } from '../release/join-shards.ts'
import { type Release, wantedConfig } from '../release/release.ts'
import { contentVersion } from '../release/waves.ts'
import type { ReportGist } from './gist.ts'
import { finalUpdateErrors, type Report } from './report.ts'

export type Outcome = 'confirmed' | 'failed' | 'pending'

/** Whether the device won't retry by itself. Only these failures count towards a wave's limit. */
export function isFinalFailure({ state, error }: Pick<ReportGist, 'state' | 'error'>): boolean {
  return (state === 'failed' || state === 'rolled-back') && error !== undefined && isFinal(error.code)
}

function isFinal(code: string): boolean {
  return finalUpdateErrors.includes(code)
}

/** Whether a report speaks of a release, or of one that it promotes: its device has heard of it. */
export function speaksOf({ site, release, wanted, turn }: Report, about: Release): boolean {
  const newest = Math.max(release ?? 0, wanted ?? 0, turn?.release ?? 0)
  return site === about.site && newest >= contentVersion(about)
}

export function outcomeOf(report: ReportGist | undefined, release: Release, device: string): Outcome {
  const wanted = wantedConfig(release, device)
  // Of a device whose shard isn't here, only a failure can be seen.
  if (report === undefined || (wanted === undefined && !mayName(release, device))) return 'pending'
  if (wanted !== undefined && report.state === 'running' && report.running === wanted.topLevel) return 'confirmed'
  // A promoted release has the same content, so a failure with it counts for both.
  const { wanted: tried = 0 } = report
  const ofThis = report.site === release.site && tried >= contentVersion(release) && tried <= release.version
  return ofThis && isFinalFailure(report) ? 'failed' : 'pending'
}
