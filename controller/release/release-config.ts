/** The entry of each built config in a release, and whether it differs from the last release. */

import { isDeepStrictEqual } from 'node:util'
import type { ControllerPeer, RecipeProgress } from '../../node/peer/controller-peer.ts'
import { alertsOf } from '../../protocol/alerts/rules.ts'
import { closureSize } from '../../protocol/closure/closure.ts'
import { toHex } from '../../protocol/encoding/hash.ts'
import type { NixSecretKey } from '../../protocol/nix/signature.ts'
import { rebootPolicyOf } from '../../protocol/release/reboot-policy.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { uplinksOf } from '../../protocol/release/site-uplinks.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import { describeClosure } from '../build/describe.ts'
import { sameHubs } from './hub-content.ts'

/** A config that was built: its entry in a release, once its closure is described. */
export interface BuiltConfig {
  system: string
  target: ReleasedConfig['target']
  topLevel: string
  policy?: ReleasedConfig['policy']
  secrets?: ReleasedConfig['secrets']
}

/** Signs and keeps the closure of a built config, ready to be named and served. */
export async function releaseConfig(
  peer: Pick<ControllerPeer, 'closures'>,
  built: BuiltConfig,
  key: NixSecretKey,
  onProgress?: RecipeProgress,
): Promise<ReleasedConfig> {
  const closure = await describeClosure(peer.closures, built.topLevel, key, onProgress)
  const cid = await peer.closures.add(closure)
  return { ...built, closure: cid, paths: closure.paths.length, narSize: closureSize(closure) }
}

/** Whether a release would change nothing on any device. */
export function sameContent(release: Release, content: ReleaseContent): boolean {
  const essence = (of: Pick<Release, 'configs' | 'devices' | 'extensions'>) =>
    JSON.stringify([
      sorted(of.configs, ({ topLevel, target, policy, secrets }) => [
        topLevel,
        target,
        policy,
        sorted(secrets ?? {}, ({ source, owner, group, mode }) => [toHex(source), owner, group, mode]),
      ]),
      Object.keys(of.configs)
        .sort()
        .map(name => rebootPolicyOf(of.extensions?.values, name)),
      sorted(of.devices, ({ config }) => config),
      sorted(uplinksOf(of), ({ bytesPerDay, windows, bitsPerSecond }) => [bytesPerDay, windows, bitsPerSecond]),
    ])
  return (
    essence(release) === essence(content) &&
    sameHubs(release, content) &&
    isDeepStrictEqual(alertsOf(release), alertsOf(content))
  )
}

function sorted<T>(record: Record<string, T>, value: (item: T) => unknown): unknown {
  return Object.keys(record)
    .sort()
    .map(key => {
      const item = record[key]
      return [key, item === undefined ? undefined : value(item)]
    })
}
