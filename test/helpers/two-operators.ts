/** Two operators of a test's fleet, whose signatures are both needed for a release. */

import assert from 'node:assert/strict'
import { approve, makeProposal, type Operator, onlineKeys, signToPublish } from '../../controller/signing/proposing.ts'
import { roleNames } from '../../protocol/trust/fleet.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { type TestFleet, testKeys } from './fleet.ts'
import type { TestPeer } from './mesh.ts'

export interface TwoOperators {
  /** Who founded the fleet, and the second one, Ben. */
  readonly one: Operator
  readonly two: Operator
  /** A change as the first one proposes it, on what their peer trusts. */
  propose(change: Parameters<typeof makeProposal>[1]): VerifiedProposal
  publish(at: TestPeer, verified: VerifiedProposal, by: Operator): Promise<void>
}

/** What a peer trusts. */
export function acceptedAt({ state }: TestPeer) {
  const { accepted } = state
  assert.ok(accepted)
  return accepted
}

/** Publishes, at the first one's peer, a root with the second operator and the threshold of two. */
export async function twoOperators(fleet: TestFleet, ada: TestPeer): Promise<TwoOperators> {
  const bens = testKeys('ben')
  const operator = (keys: typeof bens): Operator => ({
    signers: Object.fromEntries(roleNames.map(role => [role, [keys[role]]])) as unknown as Operator['signers'],
    now: new Date(),
    trustClock: true,
  })
  const [one, two] = [operator(fleet.keys), operator(bens)]
  const propose: TwoOperators['propose'] = change =>
    makeProposal({ ...acceptedAt(ada), fleet: fleet.fleet }, change, one)
  const publish: TwoOperators['publish'] = async (at, verified, by) => {
    const keys = onlineKeys(verified, acceptedAt(at).trusted, by)
    assert.ok(keys)
    await at.state.publish(signToPublish(acceptedAt(at), verified, keys, by))
  }
  const keys = Object.fromEntries(roleNames.map(role => [role, bens[role].publicKey])) as never
  const add = [{ name: 'ben', keys, nix: `ben-1:${Buffer.alloc(32, 7).toString('base64')}` }]
  const root = { add, remove: [], thresholds: { targets: 2 }, dropNixKeys: [] }
  const changed = propose({ root, message: 'two operators' })
  await publish(ada, changed.complete ? changed : approve(changed, acceptedAt(ada).trusted, two, ''), one)
  return { one, two, propose, publish }
}
