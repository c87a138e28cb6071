/** Members whom a new root would cut off: their certificates are signed only by keys that it no longer names. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { equalBytes } from '../../protocol/encoding/hash.ts'
import type { Certificate } from '../../protocol/members/certificate.ts'
import { nameMatches } from '../../protocol/members/join-token.ts'
import { type MembershipAuthority, MembershipError, verifyMember } from '../../protocol/members/membership.ts'
import type { PublicKey, Signer } from '../../protocol/signing/keys.ts'
import { findMembers, isPeer } from './find.ts'

/** Certificates of members who would be none any more with these keys of the members role. */
export function orphanedBy(
  next: Pick<MembershipAuthority, 'keys' | 'threshold'>,
  peer: Pick<ControllerPeer, 'directory' | 'state'>,
  now: Date,
): Certificate[] {
  const authority = peer.state.accepted?.authority
  if (authority === undefined) return []
  const stay = authority.keys.every(key => next.keys.some(each => equalBytes(each, key)))
  if (stay && next.threshold <= authority.threshold) return []
  const holds = (id: string, envelope: Uint8Array, by: MembershipAuthority) => {
    try {
      verifyMember(envelope, id, by, now)
      return true
    } catch (thrown) {
      if (thrown instanceof MembershipError) return false
      throw thrown
    }
  }
  return peer.directory.certificates().filter(({ peer: id }) => {
    const envelope = peer.directory.certificate(id)?.envelope
    return envelope !== undefined && holds(id, envelope, authority) && !holds(id, envelope, { ...authority, ...next })
  })
}

/** Whether one of these keys is among those that a root names. */
export function isNamed(signers: readonly Signer[], keys: readonly PublicKey[]): boolean {
  return signers.some(({ publicKey }) => keys.some(key => equalBytes(key, publicKey)))
}

/** What the command line says of them. */
export interface KeepChoice {
  /** Operators whom the root removes. */
  readonly remove: readonly string[]
  /** Names, patterns or peer IDs. */
  readonly keep: readonly string[]
  /** Whether questions are answered beforehand. */
  readonly yes: boolean
}

/**
 * The orphans that are to stay members. Where keys rotate, all of them. Where an operator is removed, those that are named
 * only, since what the operator has let in may be a thief's: a controller or relay after a question of its own, which `yes`
 * answers only where its peer ID names it. Throws a RevokeError where a name is of several members, or of nobody.
 */
export async function keptOf<Orphan extends Pick<Certificate, 'name' | 'peer'> & { role: string }>(
  orphans: readonly Orphan[],
  members: readonly Pick<Certificate, 'name' | 'peer'>[],
  { remove, keep, yes }: KeepChoice,
  ask: (question: string) => Promise<boolean>,
): Promise<Orphan[]> {
  if (remove.length === 0) return [...orphans]
  // A pattern may be of nobody; a name that is must be a mistake.
  findMembers(
    members,
    keep.filter(each => !each.includes('*')),
  )
  const kept: Orphan[] = []
  for (const orphan of orphans) {
    const { name, role, peer } = orphan
    const isMeant = keep.some(each => isPeer(each, peer))
    if (!isMeant && !keep.some(each => nameMatches(each, name))) continue
    if (!isMeant) findMembers(members, [name])
    const needsAnswer = role !== 'device'
    if (needsAnswer && yes && !isMeant) continue
    if (!needsAnswer || (await ask(`Keep the ${role} ${name} (${peer})?`))) kept.push(orphan)
  }
  return kept
}
