/** Making a release: from built configs to signed metadata that this peer believes and gossips. */

import type { MeshPeer } from '../../node/peer/mesh-peer.ts'
import { closureSize } from '../../protocol/closure/closure.ts'
import { equalBytes, sha256, toHex } from '../../protocol/encoding/hash.ts'
import type { NixSecretKey } from '../../protocol/nix/signature.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { type FleetKeys, publishRelease, type ReleaseContent } from '../../protocol/trust/publish.ts'
import { describeClosure, type RecipeProgress } from '../build/describe.ts'
import { requireBelief } from '../signing/proposing.ts'

/** A config that was built: what a release says of it, once its closure is described. */
export interface BuiltConfig {
  system: string
  target: ReleasedConfig['target']
  topLevel: string
  policy?: ReleasedConfig['policy']
  secrets?: ReleasedConfig['secrets']
}

/** Signs and keeps the closure of a built config, ready to be named and served. */
export async function releaseConfig(
  peer: MeshPeer,
  built: BuiltConfig,
  key: NixSecretKey,
  onProgress?: RecipeProgress,
): Promise<ReleasedConfig> {
  const closure = await describeClosure(peer, built.topLevel, key, onProgress)
  const cid = await peer.closures.add(closure)
  return { ...built, closure: cid, paths: closure.paths.length, narSize: closureSize(closure) }
}

/** Signs the next release, believes it and tells the mesh. */
export async function publish(peer: MeshPeer, content: ReleaseContent, keys: FleetKeys, now: Date): Promise<Release> {
  const belief = requireBelief(peer.state.belief)
  const published = publishRelease(belief.trusted, peer.fleet, content, keys, now)
  await peer.state.believe(published.trusted, async named => {
    const document = published.documents.find(each => equalBytes(sha256(each), named.hash))
    if (document === undefined) throw new RangeError('the published metadata names a document that was not made')
    return document
  })
  return published.release
}

/** Whether a release would change nothing on any device. */
export function sameContent(release: Release, content: ReleaseContent): boolean {
  const essence = (of: Pick<Release, 'configs' | 'devices'>) =>
    JSON.stringify([
      sorted(of.configs, ({ topLevel, target, policy, secrets }) => [
        topLevel,
        target,
        policy,
        sorted(secrets ?? {}, ({ source, owner, group, mode }) => [toHex(source), owner, group, mode]),
      ]),
      sorted(of.devices, ({ config }) => config),
    ])
  return essence(release) === essence(content)
}

function sorted<T>(record: Record<string, T>, value: (item: T) => unknown): unknown {
  return Object.keys(record)
    .sort()
    .map(key => {
      const item = record[key]
      return [key, item === undefined ? undefined : value(item)]
    })
}
