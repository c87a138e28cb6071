/**
 * Why a device doesn't act on a release: it isn't understood, the device's part of it isn't here, no Nix key has signed what it
 * would make the device run, or it has failed here before.
 */

import { requireBound } from '../../protocol/release/binding.ts'
import { mayName } from '../../protocol/release/join-shards.ts'
import { type Release, type ReleasedConfig, wantedConfig } from '../../protocol/release/release.ts'
import { ShardError } from '../../protocol/release/shards.ts'
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

/** The reason; undefined if the device may act, or the release doesn't name it. `running`: the top level that is active. */
export async function refusalOf(
  { peer, secrets }: RefusalComponents,
  release: Release,
  device: string,
  running: string | undefined,
): Promise<unknown> {
  try {
    requireEntry(release, device)
    const wanted = wantedConfig(release, device)
    if (wanted === undefined) return undefined
    requireUnderstood(release)
    const newSecrets = secrets === undefined ? Object.keys(wanted.secrets ?? {}) : await secrets.newIn(wanted)
    const keys = nixKeysOf(peer.state.accepted, peer.own.certificate.site)
    requireBound(release, wanted.name, { keys, newSecrets, activates: running !== wanted.topLevel })
    return undefined
  } catch (thrown) {
    return thrown
  }
}

/** Refuses a sharded release that may name the device, as long as that can't be told, and one whose shards are wrong. */
function requireEntry(release: Release, device: string): void {
  if (release.sharded?.problem !== undefined) throw release.sharded.problem
  if (!mayName(release, device)) return
  const what = release.sharded?.devicesOf === undefined ? 'the list of its parts' : 'its part for this device'
  throw new ShardError(
    'no-shard',
    `release ${release.version} is too large for one document, and no peer in reach has ${what}`,
  )
}

/** Whether the last update was this one and failed. A promoted release has the content of the failed one: it isn't retried either. */
export function hasFailedBefore(last: JournalEntry, release: Release, wanted: ReleasedConfig): boolean {
  const hasFailed = last.state === 'failed' || last.state === 'rolled-back'
  const isThis = last.site === release.site && last.new === wanted.topLevel
  return hasFailed && isThis && last.release >= contentVersion(release)
}
