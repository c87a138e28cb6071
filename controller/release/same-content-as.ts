/** The content of a release that says what the current one does: what is changed in it changes nothing else. */

import { requireWhole } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { requireUnderstood } from '../../protocol/release/understood.ts'
import { contentVersion, wavesOf } from '../../protocol/release/waves.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { promotedWaves } from './promote.ts'

/** Its waves go on where they are: the first one is open in any case, so that promoting it opens nothing. */
export function sameContentAs(current: Release, message: string): ReleaseContent {
  requireUnderstood(current)
  requireWhole(current)
  const { v, fleet, version, created, site, promotes: _, restores, ...content } = current
  const open = Math.max(1, promotedWaves(current))
  const waves = open < wavesOf(current).length ? { waves: open } : {}
  return {
    ...content,
    message,
    ...(restores !== undefined && { restores }),
    ...(current.rollout !== undefined && { promotes: { release: contentVersion(current), ...waves } }),
  }
}
