/** Promoting: a signed release with the content of the current one that opens its waves, all or the first ones. */

import { HintedError } from '../../protocol/errors.ts'
import { requireWhole } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { requireUnderstood } from '../../protocol/release/understood.ts'
import { contentVersion, wavesOf } from '../../protocol/release/waves.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { releaseName } from '../format/release-name.ts'

export class PromoteError extends HintedError<'no-waves' | 'unknown-wave'> {}

/** The content of the new release; devices that run it already do nothing. Throws a PromoteError. */
export function promoteContent(current: Release, wave: number | undefined, message?: string): ReleaseContent {
  if (current.rollout === undefined) {
    throw new PromoteError('no-waves', `release ${releaseName(current)} has no waves: it goes to all devices at once`, {
      hint: 'Nothing has to be promoted. `thymesh status` shows the devices.',
    })
  }
  const waves = wavesOf(current)
  if (wave !== undefined && wave > waves.length) {
    throw new PromoteError('unknown-wave', `expected one of the waves 1 to ${waves.length}, got ${wave}`, {
      hint: '`thymesh rollout` shows the waves.',
    })
  }
  requireUnderstood(current)
  requireWhole(current)
  const { v, fleet, version, created, ...content } = current
  const base = contentVersion(current)
  // A smaller promotion does not take back an earlier one: its devices may have begun.
  const opened = wave === undefined ? undefined : Math.max(wave, promotedWaves(current))
  return {
    ...content,
    message:
      message ?? (opened === undefined ? `promotes release ${base}` : `promotes release ${base} to wave ${opened}`),
    promotes: { release: base, ...(opened !== undefined && opened < waves.length && { waves: opened }) },
  }
}

/** So many waves are open by promotion. */
export function promotedWaves(release: Release): number {
  if (release.promotes === undefined) return 0
  return release.promotes.waves ?? wavesOf(release).length
}
