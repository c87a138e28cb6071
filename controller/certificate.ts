/** The controller's own membership, which the members key on the same machine can always renew. */

import type { PeerState } from '../node/mesh/mesh-peer.ts'
import { certificateKind, readCertificate } from '../protocol/certificate.ts'
import { seal } from '../protocol/dsse.ts'
import { timeText } from '../protocol/fields.ts'
import type { Signer } from '../protocol/keys.ts'

const dayMs = 86_400_000
const certificateDays = 5 * 365
/** Renewed this long before its end: a laptop may lie in a drawer for months. */
const renewalDays = 365

/**
 * The envelope of the certificate in the state; a new one when that has none, since it was lost and the keys were not,
 * or when it ends within a year.
 */
export async function ownCertificate(
  state: Pick<PeerState, 'own' | 'identity' | 'age'>,
  init: { fleet: string; operator: string; members: () => Promise<Signer>; now: Date },
): Promise<Uint8Array> {
  const { fleet, operator, members, now } = init
  const known = await state.own.certificate()
  const before = known && readCertificate(known)
  if (known && before && Date.parse(before.expires) - now.getTime() > renewalDays * dayMs) return known
  const envelope = seal(
    certificateKind,
    {
      v: 1,
      fleet,
      peer: state.identity.peerId,
      name: before?.name ?? operator,
      role: 'controller',
      age: state.age.recipient,
      issued: timeText(now),
      expires: timeText(new Date(now.getTime() + certificateDays * dayMs)),
    },
    await members(),
  )
  await state.own.setCertificate(envelope)
  return envelope
}
