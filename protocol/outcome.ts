/** What a report says about one release on its device: whether it has confirmed it, failed with it, or neither yet. */

import { type Release, wantedConfig } from './release.ts'
import type { Report } from './report.ts'
import { contentVersion } from './waves.ts'

export type Outcome = 'confirmed' | 'failed' | 'pending'

/** Failures that another attempt may mend by itself: the device goes on trying, and nothing is said about the release. */
const passing = new Set(['no-peer', 'no-peers', 'stalled', 'disk-full', 'no-space', 'failed', 'closed', 'busy'])

/** Whether a failure is the release's, for good: what a wave's failures are counted by. */
export function isFinalFailure(report: Pick<Report, 'state' | 'error'>): boolean {
  return report.state === 'failed' && report.error !== undefined && !passing.has(report.error.code)
}

export function outcomeOf(report: Report | undefined, release: Release, device: string): Outcome {
  const wanted = wantedConfig(release, device)
  if (report === undefined || wanted === undefined) return 'pending'
  if (report.state === 'running' && report.running === wanted.topLevel) return 'confirmed'
  // The release that is promoted is the same content: what failed with it has failed.
  const { wanted: tried = 0 } = report
  const ofThis = tried >= contentVersion(release) && tried <= release.version
  return ofThis && isFinalFailure(report) ? 'failed' : 'pending'
}
