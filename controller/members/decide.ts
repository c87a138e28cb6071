/** Decides what a controller signs by itself: countersignatures within a token's limits, and renewals that devices ask for. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { isAgeRecipient } from '../../protocol/members/age-recipient.ts'
import { type Certificate, certificateKind, isViewer } from '../../protocol/members/certificate.ts'
import { type Grant, grantKind, tokenIdOf } from '../../protocol/members/join-token.ts'
import { highestCounter, type Report } from '../../protocol/report/report.ts'
import { readEnvelope, signEnvelope } from '../../protocol/signing/dsse.ts'
import type { Signer } from '../../protocol/signing/keys.ts'

const dayMs = 86_400_000
/** How long a countersigned certificate holds, where the token doesn't say. */
const memberDays = 730
/** A device that asks again and again, with half of its time left and more, is answered once in this time. */
const renewalPauseMs = dayMs
/** Reports that a device must have left: an hour of them. */
const reserve = 3600 * limits.reportsPerSecond

/**
 * Why a controller leaves a certificate to a person. `name-taken`: another member has the name. `over-limit`: the token
 * was for fewer devices. `bad-recipient`: its age recipient is none. `too-few-keys`: the members role asks for more signatures
 * than this operator has keys.
 */
export type HoldReason = 'name-taken' | 'over-limit' | 'bad-recipient' | 'too-few-keys'

export interface Decision {
  readonly kind: 'countersign' | 'renew' | 'hold'
  readonly certificate: Certificate
  /** The token that let the member in, for a countersignature. */
  readonly token?: string
  readonly reason?: HoldReason
}

export interface MembersView {
  readonly certificates: readonly Certificate[]
  readonly report: (peer: string) => Report | undefined
  /** Peers that were countersigned before, by the token that let them in. */
  readonly counted: ReadonlyMap<string, ReadonlySet<string>>
  readonly now: Date
}

/** One decision for each certificate that asks for one. */
export function decide(view: MembersView): Decision[] {
  const { certificates, counted } = view
  const uses = new Map([...counted].map(([token, peers]) => [token, new Set(peers)]))
  for (const { token, peer } of certificates) if (token !== undefined) addTo(uses, token, peer)
  const holders = Map.groupBy(certificates, ({ name }) => name)
  return certificates.flatMap((certificate): Decision[] => {
    // An operator's own controller signs its certificate itself.
    if (certificate.role === 'controller' && !isViewer(certificate)) return []
    if (certificate.grant === undefined) return renewalIsDue(certificate, view) ? [{ kind: 'renew', certificate }] : []
    const grant = readEnvelope(grantKind, certificate.grant).document
    const token = tokenIdOf(grant)
    const reason = holdReason(certificate, grant, uses.get(token) ?? new Set(), holders)
    if (reason !== undefined) return [{ kind: 'hold', certificate, token, reason }]
    addTo(uses, token, certificate.peer)
    return [{ kind: 'countersign', certificate, token }]
  })
}

function addTo(uses: Map<string, Set<string>>, token: string, peer: string): void {
  uses.set(token, (uses.get(token) ?? new Set()).add(peer))
}

function holdReason(
  { name, peer, age }: Certificate,
  grant: Grant,
  used: ReadonlySet<string>,
  holders: ReadonlyMap<string, readonly Certificate[]>,
): HoldReason | undefined {
  // Secrets and releases go by names: the holder of a token must not get another device's by taking its name.
  if (holders.get(name)?.some(other => other.peer !== peer)) return 'name-taken'
  if (age !== undefined && !isAgeRecipient(age)) return 'bad-recipient'
  if (grant.uses !== undefined && !used.has(peer) && used.size >= grant.uses) return 'over-limit'
  return undefined
}

function renewalIsDue(certificate: Certificate, { report, now }: MembersView): boolean {
  const { peer, age, issued, expires } = certificate
  const { renew, counter = 0 } = report(peer) ?? {}
  const [begin, end] = [Date.parse(issued), Date.parse(expires)]
  // It can't ask: a thief of its key has used up its reports. A later end gives it numbers again.
  const usedUp = counter > highestCounter(certificate) - reserve
  if (usedUp) return now.getTime() - begin >= renewalPauseMs
  if (renew === undefined || renew.age === age || !isAgeRecipient(renew.age)) return false
  const late = end - now.getTime() < (end - begin) / 2
  return late || now.getTime() - begin >= renewalPauseMs
}

/** What a person gives a member: another name, another site (or none). */
export interface Reassigned {
  readonly name: string
  readonly site: string | undefined
}

/**
 * The certificate that takes the place of a member's: same role, same name and site if no others are given, with the age
 * recipient it asks for.
 */
export function signedAnew(
  before: Certificate,
  init: { report: Report | undefined; members: readonly Signer[]; now: Date; to?: Reassigned },
): Uint8Array {
  const { report, members, now } = init
  const { grant, age: oldAge, name, site, ...kept } = before
  const place = init.to ?? { name, site }
  const grantDocument = grant && readEnvelope(grantKind, grant).document
  const lifetimeMs = grantDocument
    ? (grantDocument.memberDays ?? memberDays) * dayMs
    : Date.parse(before.expires) - Date.parse(before.issued)
  // It must rank above the one before, also when both are written in one second or that controller's clock is ahead.
  const after = grant === undefined ? Date.parse(before.issued) + 1000 : 0
  const issued = Math.max(now.getTime(), after)
  const asked = report?.renew?.age
  const age = asked !== undefined && isAgeRecipient(asked) ? asked : oldAge
  return signEnvelope(
    certificateKind,
    {
      ...kept,
      name: place.name,
      ...(place.site !== undefined && { site: place.site }),
      ...(age !== undefined && { age }),
      ...(grantDocument && { token: tokenIdOf(grantDocument) }),
      issued: timeText(new Date(issued)),
      expires: timeText(new Date(issued + lifetimeMs)),
    },
    ...members,
  )
}
