/** Whether the waves that a sharded release puts its devices into are those of its rollout's rules. */

import type { Release } from './release.ts'
import { ShardError } from './shards.ts'
import { wavesOf } from './waves.ts'

/** A device that is in another wave than the rollout's rules put it: whoever made the shards has chosen that. */
export function wrongWave({ sharded, ...release }: Release): ShardError | undefined {
  for (const { number, devices } of wavesOf(release)) {
    const other = devices.find(name => sharded?.waves.get(name) !== number)
    if (other === undefined) continue
    const got = sharded?.waves.get(other)
    return new ShardError('wrong-shard', `expected ${other} in wave ${number} by the rollout's rules, got wave ${got}`)
  }
  return undefined
}
