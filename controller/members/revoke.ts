/** Revoking members and join tokens: the next revocation list, signed, believed and told to the mesh. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { withRevocation } from '../../protocol/members/revocations.ts'
import { roleOf } from '../../protocol/trust/proposals.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import { publishMembers } from '../../protocol/trust/publish-members.ts'
import { notAsked } from '../signing/proposing.ts'

export class RevokeError extends ThymeshError<'no-trust' | 'unknown-member' | 'ambiguous' | 'own' | 'too-few-keys'> {}

export interface Revocation {
  readonly kind: 'peer' | 'token'
  readonly subject: string
  readonly name?: string
  readonly reason?: string
}

/** Signs and publishes. Nothing happens when all of it was revoked before; resolves to whether something was. */
export async function revoke(
  peer: Pick<ControllerPeer, 'state'>,
  revocations: readonly Revocation[],
  keys: FleetKeys,
  now: Date,
): Promise<boolean> {
  const belief = peer.state.belief
  if (belief === undefined) {
    throw new RevokeError('no-trust', 'this controller has no metadata of its fleet', {
      hint: 'Every device has it: try again when one is in reach.',
    })
  }
  let list = belief.revocations
  for (const { kind, subject, name, reason } of revocations) {
    const about = { ...(name !== undefined && { name }), ...(reason !== undefined && { reason }) }
    list = withRevocation(list, kind, { subject, at: timeText(now), ...about })
  }
  if (list === belief.revocations) return false
  if (belief.authority.threshold > 1) {
    throw new RevokeError('too-few-keys', `the members role asks for ${belief.authority.threshold} signatures, got 1`, {
      hint: 'One operator alone can revoke only where the threshold of the members role is 1.',
    })
  }
  const online = [keys.snapshot, keys.timestamp].every((key, at) =>
    roleOf(belief.trusted.root, at === 0 ? 'snapshot' : 'timestamp').keys.some(each => equalBytes(each, key.publicKey)),
  )
  if (!online || !belief.authority.keys.some(each => equalBytes(each, keys.members.publicKey))) throw notAsked()
  const signers = { members: [keys.members], snapshot: [keys.snapshot], timestamp: [keys.timestamp] }
  const published = publishMembers(belief.trusted, list, signers, now)
  await peer.state.publish(published)
  return true
}
