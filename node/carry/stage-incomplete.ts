/** Stages the attached chunks of a closure's incomplete paths, before their bundle is removed. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import type { Closures } from '../swarm/chunks/closures.ts'
import type { SwarmService } from '../swarm/session/swarm-service.ts'

export interface StageComponents {
  readonly closures: Pick<Closures, 'held'>
  readonly swarms: Pick<SwarmService, 'open'>
  readonly store: Pick<NixStore, 'validPaths'>
}

/** In the order of the descriptor, as far as the staging budget has space. Says whether the closure is here without the bundle. */
export async function stageIncomplete(
  { closures, swarms, store }: StageComponents,
  config: ReleasedConfig,
  signal?: AbortSignal,
): Promise<boolean> {
  const known = await closures.held(hashOfCid(config.closure))
  if (known === undefined) return false
  const { chunks } = await swarms.open(known)
  const { paths } = known.list
  const valid = await store.validPaths(paths.map(({ described }) => described.path))
  let whole = true
  for (const path of paths) {
    if (valid.has(path.described.path)) continue
    for (const number of path.chunks) {
      signal?.throwIfAborted()
      whole = (await chunks.stage(number)) && whole
    }
  }
  return whole
}
