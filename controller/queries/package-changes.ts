/** How the packages of two releases differ, by the closures that this controller knows. */

import type { Release } from '../../protocol/release/release.ts'
import type { ClosureDiffRow, ReleaseChanges } from '../api/schemas/releases.ts'
import { diffClosures, type SizedPath } from '../nix/closure-diff.ts'
import type { Session } from '../session/session.ts'
import { knownRelease } from './known-release.ts'
import { closurePathsOf } from './released.ts'

export interface ChangesOptions {
  readonly release: number
  /** The older one; the one before, if missing. */
  readonly since?: number | undefined
  readonly site?: string | undefined
}

export async function queryChanges({ peer: { state } }: Session, options: ChangesOptions): Promise<ReleaseChanges> {
  const { site } = options
  const release = await knownRelease(state, options.release, site)
  const before = options.since ?? options.release - 1
  // Nothing was before the first one.
  const since = before === 0 ? undefined : await knownRelease(state, before, site)
  const configs: ClosureDiffRow[] = []
  const unknown: string[] = []
  for (const name of Object.keys(release.configs)) {
    const [old, next] = [await pathsOf(since?.configs ?? {}, name), await pathsOf(release.configs, name)]
    if (old === undefined || next === undefined) unknown.push(name)
    else configs.push(packageChanges(name, old, next))
  }
  const removed = Object.keys(since?.configs ?? {}).filter(name => !Object.hasOwn(release.configs, name))
  return { site: site ?? null, release: release.version, since: since?.version ?? null, configs, removed, unknown }

  /** Nothing where the release has the config, but its descriptor is not here. */
  async function pathsOf(configs: Release['configs'], name: string): Promise<readonly SizedPath[] | undefined> {
    const config = Object.hasOwn(configs, name) ? configs[name] : undefined
    return config === undefined ? [] : await closurePathsOf(state, config)
  }
}

export function packageChanges(
  config: string,
  before: readonly SizedPath[],
  after: readonly SizedPath[],
): ClosureDiffRow {
  const { added, removed, changed, ...counts } = diffClosures(before, after)
  const plain = (list: typeof added) =>
    list.map(({ name, ...versions }) => ({ name, before: [...versions.before], after: [...versions.after] }))
  return { config, added: plain(added), removed: plain(removed), changed: plain(changed), ...counts }
}
