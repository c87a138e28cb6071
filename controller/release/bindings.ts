/** What the Nix key signs of a release: its configs, when they are built; older signatures stay with their configs. */

import type { NixSecretKey } from '../../protocol/nix/signature.ts'
import { bindConfig, bindingsOf, withBindings } from '../../protocol/release/binding.ts'
import { type RebootPolicy, rebootPolicyOf, withRebootPolicies } from '../../protocol/release/reboot-policy.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'

/** A release's content with this key's signature over each config. */
export function boundContent(
  content: ReleaseContent,
  place: Pick<Release, 'fleet' | 'site'>,
  key: NixSecretKey,
): ReleaseContent {
  const bindings = Object.entries(content.configs).map(([name, config]) => [name, [bindConfig(place, config, key)]])
  return { ...content, extensions: withBindings(content.extensions, Object.fromEntries(bindings)) }
}

/** Whether each config of a release has a signature. */
export function hasAllBindings(release: Release): boolean {
  const bindings = bindingsOf(release)
  return Object.keys(release.configs).every(name => Object.hasOwn(bindings, name))
}

/** A config with the signatures over it, as a release has them. */
export interface BoundConfig {
  readonly config: ReleasedConfig
  readonly signatures: readonly string[] | undefined
  /** When its devices may reboot: an extension, too. */
  readonly reboot: RebootPolicy | undefined
}

export function boundConfigs(release: Release): Record<string, BoundConfig> {
  const bindings = bindingsOf(release)
  const found = Object.entries(release.configs).map(([name, config]): [string, BoundConfig] => [
    name,
    {
      config,
      signatures: Object.hasOwn(bindings, name) ? bindings[name] : undefined,
      reboot: rebootPolicyOf(release.extensions?.values, name),
    },
  ])
  return Object.fromEntries(found)
}

/** The parts of a release's content for these configs. Nothing is signed anew: that would sign what others have written. */
export function contentOfBound(
  configs: Readonly<Record<string, BoundConfig>>,
): Pick<ReleaseContent, 'configs' | 'extensions'> {
  const entries = Object.entries(configs)
  const bindings = entries.flatMap(([name, { signatures }]) => (signatures === undefined ? [] : [[name, signatures]]))
  const values = withRebootPolicies({}, Object.fromEntries(entries.map(([name, { reboot }]) => [name, reboot])))
  const extensions = withBindings({ values, critical: [] }, Object.fromEntries(bindings))
  return {
    configs: Object.fromEntries(entries.map(([name, { config }]) => [name, config])),
    ...(Object.keys(extensions.values).length > 0 && { extensions }),
  }
}
