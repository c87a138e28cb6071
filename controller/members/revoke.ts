/** Revoking members and join tokens: the next revocation list, signed, accepted and sent to the mesh. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import { withRevocation } from '../../protocol/members/revocations.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import { publishMembers } from '../../protocol/trust/publish-members.ts'
import { roleOf } from '../../protocol/trust/role-keys.ts'
import { notAsked, requireAccepted } from '../signing/proposing.ts'

export class RevokeError extends HintedError<'unknown-member' | 'ambiguous' | 'own' | 'too-few-keys'> {}

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
  const accepted = requireAccepted(peer.state.accepted)
  let list = accepted.revocations
  for (const { kind, subject, name, reason } of revocations) {
    const about = { ...(name !== undefined && { name }), ...(reason !== undefined && { reason }) }
    list = withRevocation(list, kind, { subject, at: timeText(now), ...about })
  }
  if (list === accepted.revocations) return false
  if (accepted.authority.threshold > 1) {
    throw new RevokeError('too-few-keys', `the members role needs ${accepted.authority.threshold} signatures, got 1`, {
      hint: 'Lower the threshold of the members role to 1: one operator revokes alone.',
    })
  }
  const online = [keys.snapshot, keys.timestamp].every((key, at) =>
    roleOf(accepted.trusted.root, at === 0 ? 'snapshot' : 'timestamp').keys.some(each =>
      equalBytes(each, key.publicKey),
    ),
  )
  if (!online || !accepted.authority.keys.some(each => equalBytes(each, keys.members.publicKey))) throw notAsked()
  const signers = { members: [keys.members], snapshot: [keys.snapshot], timestamp: [keys.timestamp] }
  const published = publishMembers(accepted.trusted, list, signers, now)
  await peer.state.publish(published)
  return true
}
