/** Establishes a peer's membership: by its stored certificate, or by issuing one with a join token. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import { ThymeshError } from '../../protocol/errors.ts'
import { type Certificate, readCertificate } from '../../protocol/members/certificate.ts'
import { joinWithToken } from '../../protocol/members/join.ts'
import { grantKind, type JoinToken, nameMatches, parseJoinToken } from '../../protocol/members/join-token.ts'
import { readEnvelope } from '../../protocol/signing/dsse.ts'
import type { Settings } from '../settings/settings.ts'
import type { PeerState } from '../state/peer-state.ts'

export class JoinError extends ThymeshError<'no-token' | 'beyond-grant' | 'expired'> {}

export interface Membership {
  readonly certificate: Certificate
  readonly envelope: Uint8Array
  /** The mesh's addresses in the token. */
  readonly bootstrap: readonly string[]
}

const dayMs = 86_400_000

/** The membership from the state; without one, a new one with the settings' join token. Throws a JoinError. */
export async function membershipOf(state: PeerState, settings: Settings): Promise<Membership> {
  const known = await state.own.certificate()
  const token = settings.join && parseJoinToken(settings.join.token)
  const stays = known !== undefined && !(await isBetterDated(token, known, state))
  if (stays && !isCorrected(settings.join, token, known, state)) {
    return { certificate: readCertificate(known), envelope: known, bootstrap: token?.bootstrap ?? [] }
  }
  if (settings.join === undefined || token === undefined) {
    throw new JoinError('no-token', "this device isn't a member of a fleet yet, and has no join token", {
      hint: 'Make one with `thymesh token` on the laptop, then run here: thymesh join --name NAME',
    })
  }
  const { name, site } = settings.join
  const grant = readEnvelope(grantKind, token.grant).document
  if (!nameMatches(grant.names, name)) {
    throw new JoinError('beyond-grant', `the join token is for devices named ${grant.names}, got ${name}`)
  }
  if (grant.site !== undefined && site !== undefined && grant.site !== site) {
    throw new JoinError('beyond-grant', `the join token is for the site ${grant.site}, got ${site}`)
  }
  // The grant is signed, so its date has certainly passed, and an earlier clock is wrong; unless the signer's clock
  // was far ahead. So the floor may rise less than asked, while the certificate's dates follow the grant, by which
  // others verify it.
  await state.clock.raiseFloor(new Date(grant.issued))
  const now = new Date(Math.max(state.clock.reference.getTime(), Date.parse(grant.issued)))
  const lastDay = Date.parse(grant.expires)
  if (now.getTime() >= lastDay) {
    throw new JoinError('expired', `the join token expired on ${grant.expires}`, {
      hint: 'Make a new one: thymesh token',
    })
  }
  const chosenSite = grant.site ?? site
  const envelope = joinWithToken(token, state.identity.signer, {
    name,
    role: grant.role,
    ...(chosenSite !== undefined && { site: chosenSite }),
    age: state.age.recipient,
    issued: timeText(now),
    expires: timeText(new Date(now.getTime() + grant.certificateDays * dayMs)),
  })
  await state.own.setCertificate(envelope)
  return { certificate: readCertificate(envelope), envelope, bootstrap: token.bootstrap }
}

/**
 * Whether the settings give another name than the one that the device joined with, and it may still take it: no
 * controller has signed for the first one yet, and the token allows the new one.
 */
function isCorrected(
  join: Settings['join'],
  token: JoinToken | undefined,
  known: Uint8Array,
  state: PeerState,
): boolean {
  const { name, grant } = readCertificate(known)
  if (join === undefined || token === undefined || join.name === name) return false
  if (grant === undefined || !equalBytes(token.grant, grant)) return false
  const { names, expires } = readEnvelope(grantKind, grant).document
  return nameMatches(names, join.name) && state.clock.reference.getTime() < Date.parse(expires)
}

/** What to tell a person whose settings ask for another name than the one that the device has for good. */
export function nameProblem(join: Settings['join'], { name }: Pick<Certificate, 'name'>): string | undefined {
  if (join === undefined || join.name === name) return undefined
  return (
    `the settings ask for the name ${join.name}, but this device is a member as ${name}, and keeps that name: ` +
    `to join as ${join.name}, revoke it (thymesh revoke ${name}), and start it with an empty state and a new token`
  )
}

/**
 * Whether another token corrects the time floor, if the first token was dated far in the future: with such a floor
 * everything honest looks expired, and no metadata was ever accepted. The token comes from the device's owner.
 */
async function isBetterDated(token: JoinToken | undefined, known: Uint8Array, state: PeerState): Promise<boolean> {
  const { fleet, grant: before } = readCertificate(known)
  if (token === undefined || before === undefined || token.fleet !== fleet) return false
  if (equalBytes(token.grant, before)) return false
  const hasMetadata = (await state.database.table('trust').get('timestamp')) !== undefined
  const { issued } = readEnvelope(grantKind, token.grant).document
  if (hasMetadata || !(new Date(issued) < (await state.own.timeFloor()))) return false
  await state.clock.resetFloor()
  return true
}
