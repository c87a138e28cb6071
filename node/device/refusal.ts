/**
 * Why a device doesn't act on a release: it isn't understood, no Nix key has signed what it would make the device run, or it
 * has failed here before.
 */

import { requireBound } from '../../protocol/release/binding.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { requireUnderstood } from '../../protocol/release/understood.ts'
import { contentVersion } from '../../protocol/release/waves.ts'
import type { JournalEntry } from '../activation/journal-entry.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { SecretUpdates } from '../secrets/secret-updates.ts'
import { nixKeysOf } from '../state/releases.ts'

export interface RefusalComponents {
  peer: Pick<MeshPeer, 'state' | 'own'>
  secrets?: Pick<SecretUpdates, 'newIn'>
}

/** The reason; undefined if the device may act. `activates`: whether the config's system would be activated. */
export async function refusalOf(
  { peer, secrets }: RefusalComponents,
  release: Release,
  wanted: ReleasedConfig & { readonly name: string },
  activates: boolean,
): Promise<unknown> {
  try {
    requireUnderstood(release)
    const newSecrets = secrets === undefined ? Object.keys(wanted.secrets ?? {}) : await secrets.newIn(wanted)
    const keys = nixKeysOf(peer.state.accepted, peer.own.certificate.site)
    requireBound(release, wanted.name, { keys, newSecrets, activates })
    return undefined
  } catch (thrown) {
    return thrown
  }
}

/** Whether the last update was this one and failed. A promoted release has the content of the failed one: it isn't retried either. */
export function hasFailedBefore(last: JournalEntry, release: Release, wanted: ReleasedConfig): boolean {
  const hasFailed = last.state === 'failed' || last.state === 'rolled-back'
  const isThis = last.site === release.site && last.new === wanted.topLevel
  return hasFailed && isThis && last.release >= contentVersion(release)
}
