/** The recipients of secrets: the members of each device name that this controller would countersign. */

import { isAgeRecipient } from '../../protocol/members/age-recipient.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'

/** Device name → the age recipients of the members of that name. */
export type Recipients = ReadonlyMap<string, readonly string[]>

export interface RecipientsView {
  readonly certificates: readonly Certificate[]
  /** Peers that were revoked. */
  readonly revoked: ReadonlySet<string>
  /** Peers whose certificates wait for a person's decision, such as namesakes of another member. */
  readonly held: ReadonlySet<string>
  /** The latest moment that is surely past. */
  readonly now: Date
}

/**
 * The recipients by device name. Left out are members that were revoked, have expired or wait for a decision, namesakes whom
 * only a join token vouches for, and texts that are no recipient: one of those would block a config's secrets for everyone.
 */
export function recipientsOf({ certificates, revoked, held, now }: RecipientsView): Recipients {
  const devices = certificates.filter(
    ({ role, peer, expires }) =>
      role === 'device' && !revoked.has(peer) && !held.has(peer) && Date.parse(expires) > now.getTime(),
  )
  const holders = Map.groupBy(certificates, ({ name }) => name)
  const recipients = new Map<string, string[]>()
  for (const { name, age, peer, grant } of devices) {
    const hasNamesake = holders.get(name)?.some(other => other.peer !== peer)
    if ((grant !== undefined && hasNamesake) || age === undefined || !isAgeRecipient(age)) continue
    recipients.set(name, [...(recipients.get(name) ?? []), age])
  }
  return recipients
}
