/** Stages the attached chunks of a closure's incomplete paths, before their bundle is removed. */

import { hashOfCid } from '../../protocol/encoding/cid.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import type { NixStore } from '../store/local/nix-store.ts'
import type { Closures } from '../swarm/chunks/closures.ts'
import type { SwarmService } from '../swarm/session/swarm-service.ts'
import { StagingError } from '../swarm/staging/staging.ts'

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
  const { paths } = known.list
  const valid = await store.validPaths(paths.map(({ described }) => described.path))
  let whole = true
  for (const path of paths) {
    if (valid.has(path.described.path)) continue
    for (const number of path.chunks) {
      signal?.throwIfAborted()
      // Asked for each time: what nobody asks for is closed after a minute, and a stick may take many.
      const { chunks } = await swarms.open(known)
      const isHere = await chunks.stage(number).catch((thrown: unknown) => {
        if (thrown instanceof StagingError && thrown.code === 'disk-full') return undefined
        throw thrown
      })
      if (isHere === undefined) return false
      whole = isHere && whole
    }
  }
  return whole
}
