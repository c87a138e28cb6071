/** The controller's own membership, which the members keys on the same machine can always renew. */

import type { PeerState } from '../../node/state/peer-state.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { certificateKind } from '../../protocol/members/certificate.ts'
import { readEnvelope, signEnvelope } from '../../protocol/signing/dsse.ts'
import type { Signer } from '../../protocol/signing/keys.ts'

const dayMs = 86_400_000
const certificateDays = 5 * 365
/** Renewed this long before its end: a laptop may lie in a drawer for months. */
const renewalDays = 365

/**
 * The envelope of the certificate in the state; a new one when that has none, since it was lost and the keys were not,
 * when it ends within a year, or when there are new keys that have not signed it. It is signed by all of them: a root that names
 * the new ones may come while this controller is away, and one that doesn't be what its neighbours still have.
 */
export async function ownCertificate(
  state: Pick<PeerState, 'own' | 'identity' | 'age'>,
  init: {
    fleet: string
    operator: string
    /** The members keys that are here. */
    members: () => Promise<readonly Signer[]>
    /** How many these are, where they can be had without asking a person. */
    keys?: number | undefined
    now: Date
  },
): Promise<Uint8Array> {
  const { fleet, operator, members, keys = 0, now } = init
  const known = await state.own.certificate()
  const opened = known && readEnvelope(certificateKind, known)
  const before = opened?.document
  const isGood = before !== undefined && Date.parse(before.expires) - now.getTime() > renewalDays * dayMs
  if (known && opened && isGood && opened.signatures >= Math.min(keys, limits.memberSignatures)) return known
  const signers = (await members()).slice(-limits.memberSignatures)
  // It ranks above the one before by its date.
  const issued = Math.max(now.getTime(), before === undefined ? 0 : Date.parse(before.issued) + 1000)
  const envelope = signEnvelope(
    certificateKind,
    {
      v: 1,
      fleet,
      peer: state.identity.peerId,
      name: before?.name ?? operator,
      role: 'controller',
      age: state.age.recipient,
      issued: timeText(new Date(issued)),
      expires: timeText(new Date(now.getTime() + certificateDays * dayMs)),
    },
    ...signers,
  )
  await state.own.setCertificate(envelope)
  return envelope
}
