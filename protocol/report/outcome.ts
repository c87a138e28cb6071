/** What a report says about one release on its device: whether it has confirmed it, failed with it, or neither yet. */

import { type Release, wantedConfig } from '../release/release.ts'
import { contentVersion } from '../release/waves.ts'
import { finalUpdateErrors, type Report } from './report.ts'

export type Outcome = 'confirmed' | 'failed' | 'pending'

/** Whether the device doesn't try again by itself: what a wave's failures are counted by. */
export function isFinalFailure({ state, error }: Pick<Report, 'state' | 'error'>): boolean {
  return (state === 'failed' || state === 'rolled-back') && error !== undefined && isFinal(error.code)
}

function isFinal(code: string): boolean {
  return finalUpdateErrors.includes(code)
}

export function outcomeOf(report: Report | undefined, release: Release, device: string): Outcome {
  const wanted = wantedConfig(release, device)
  if (report === undefined || wanted === undefined) return 'pending'
  if (report.state === 'running' && report.running === wanted.topLevel) return 'confirmed'
  // The release that is promoted is the same content: what failed with it has failed.
  const { wanted: tried = 0 } = report
  const ofThis = report.site === release.site && tried >= contentVersion(release) && tried <= release.version
  return ofThis && isFinalFailure(report) ? 'failed' : 'pending'
}
