/** A proposal of a sharded release with what its shards say: an operator sees and signs the whole release, or nothing of it. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { HintedError } from '../../protocol/errors.ts'
import { asSigned, requireWhole, withoutShards } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import { shardsManifestOf } from '../../protocol/release/shards.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { ProposingError } from './proposing-error.ts'

class WaveError extends HintedError<'wrong-shard'> {}

/** The proposal with the entries of those shards of its release that are here; any other proposal as it is. */
export async function wholeProposal(
  { state }: Pick<ControllerPeer, 'state'>,
  verified: VerifiedProposal,
): Promise<VerifiedProposal> {
  const { release } = verified
  if (release === undefined || shardsManifestOf(release) === undefined) return verified
  const whole = await state.withShards(release)
  // A root or a promotion goes on with the shards that there are, whose waves are those of an earlier version.
  const accepted = state.accepted && shardsManifestOf(asSigned(state.accepted.release))
  const isNew = accepted !== shardsManifestOf(release)
  const problem = isNew && isWhole(whole) ? wrongWave(whole) : undefined
  return { ...verified, release: problem === undefined ? whole : withoutShards(release, problem) }
}

/** Whether nothing of a release is missing or wrong. */
export function isWhole(release: Release): boolean {
  const { sharded } = release
  if (sharded === undefined) return shardsManifestOf(release) === undefined
  return sharded.problem === undefined && sharded.devicesOf !== undefined && sharded.missing.length === 0
}

/** Refuses a proposal of which an operator hasn't seen all. Throws a ProposingError or ShardError. */
export function requireShown({ release }: Pick<VerifiedProposal, 'release'>): void {
  if (release === undefined || isWhole(release)) return
  requireWhole(release)
  throw new ProposingError('not-shown', 'expected a sharded release with all of its shards, got none of them', {
    hint: 'Look at it with `thymesh proposals` where its author or another controller is in reach.',
  })
}

/** A device that is in another wave than the rollout's rules put it: whoever made the shards has chosen that. */
function wrongWave({ sharded, ...release }: Release): WaveError | undefined {
  for (const { number, devices } of wavesOf(release)) {
    const other = devices.find(name => sharded?.waves.get(name) !== number)
    if (other === undefined) continue
    const got = sharded?.waves.get(other)
    return new WaveError('wrong-shard', `expected ${other} in wave ${number} by the rollout's rules, got wave ${got}`, {
      hint: 'Ask its author for a new proposal; if it comes again, see docs/trust.md on stolen keys.',
    })
  }
  return undefined
}
