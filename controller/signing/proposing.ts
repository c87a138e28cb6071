/** Making, signing and publishing proposals: what an operator does with the fleet's next metadata. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { equalBytes, fromHex } from '../../protocol/encoding/hash.ts'
import { asSigned } from '../../protocol/release/join-shards.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { membersRole, operatorOf, type RoleName, roleNames } from '../../protocol/trust/fleet.ts'
import { type Loaded, signMetadata } from '../../protocol/trust/metadata.ts'
import { nextRoot, type RootChanges } from '../../protocol/trust/next-root.ts'
import { makeStatement, type Proposal } from '../../protocol/trust/proposal.ts'
import {
  createProposal,
  isSatisfied,
  publishersOf,
  signProposal,
  type VerifiedProposal,
  wantedSigners,
} from '../../protocol/trust/proposals.ts'
import {
  draftRelease,
  nextMembers,
  type OnlineKeys,
  type Published,
  publishNext,
  type ReleaseContent,
  renewalDue,
} from '../../protocol/trust/publish.ts'
import { membersOf, roleOf } from '../../protocol/trust/role-keys.ts'
import type { Sites } from '../../protocol/trust/sites.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { operatorName } from '../fleet/names.ts'
import { shortId } from '../format/table.ts'
import type { Signers } from '../keys/operator-keys.ts'
import { requirePlausibleClock } from './clock.ts'
import { ProposingError } from './proposing-error.ts'
import { requireLivingRoot } from './root-end.ts'
import type { SignedState } from './signed-changes.ts'
import { requireShown } from './whole-proposal.ts'

/** The changes of a proposal: one or more of these. */
export interface Change {
  readonly content?: ReleaseContent
  readonly root?: RootChanges
  readonly revocations?: Uint8Array
  /** All sites with operators of their own, where these change. */
  readonly sites?: Sites
  readonly message: string
}

/** Someone who signs: keys by role, and when. */
export interface Operator {
  readonly signers: Signers
  readonly now: Date
  /** This operator's name where the root doesn't give one. */
  readonly name?: string | undefined
  /** Whether to sign although the clock seems wrong. */
  readonly trustClock?: boolean
}

/** The metadata that this controller trusts. Throws a ProposingError where it has none, since its state was lost. */
export function requireAccepted<AcceptedState>(accepted: AcceptedState | undefined): AcceptedState {
  if (accepted !== undefined) return accepted
  throw new ProposingError('no-trust', 'this controller has no metadata of its fleet', {
    hint: 'Run `thymesh status` where a device is in reach: each has it. Or restore the state that `thymesh init` made.',
  })
}

/** The metadata that a controller's peer trusts. Throws a ProposingError. */
export function acceptedOf(peer: Pick<ControllerPeer, 'state'>): SignedState {
  return requireAccepted(peer.state.accepted)
}

/**
 * A proposal of the next metadata, signed with what this operator has. With a new root come new targets and members metadata
 * where it asks for other signatures than those have, or for other delegations.
 */
export function makeProposal(
  { trusted, release, fleet }: { trusted: TrustedSet; release: Release; fleet: string },
  change: Change,
  operator: Operator,
): VerifiedProposal {
  const { now, signers } = operator
  if (operator.trustClock !== true) requirePlausibleClock(trusted, release, now)
  if (change.root === undefined) requireLivingRoot(trusted, now)
  const root = change.root && signMetadata('root', nextRoot(trusted, change.root, now), [])
  const members = nextMembersOf(trusted, root, change.revocations, now)
  const anew = change.sites !== undefined || (root !== undefined && needsTargets(trusted, root))
  const content = change.content ?? (anew ? contentOf(asSigned(release)) : undefined)
  const targets = content && draftRelease(trusted, fleet, content, now, root, change.sites)
  const current = [
    ...roleNames.slice(0, 2).flatMap(role => roleOf(trusted.root, role).keys),
    ...membersOf(trusted.root, trusted).keys,
  ]
  const mine = roleNames.flatMap(role => signers[role])
  const authors = authorsFor({ root: root !== undefined, targets: targets !== undefined }, signers)
  const author = authors.find(({ publicKey }) => current.some(key => equalBytes(key, publicKey)))
  if (author === undefined) throw notAsked()
  const name = operatorOf(trusted.root, author.keyId) ?? operatorName()
  const draft: Proposal = {
    v: 1,
    fleet,
    author: author.keyId,
    operator: name,
    created: timeText(now),
    message: change.message,
    ...(root && { root: root.bytes }),
    ...(targets && { targets: signMetadata('targets', targets.targets, []).bytes }),
    ...(members && { members: members.bytes }),
    documents: [...(targets ? [targets.bytes] : []), ...(change.revocations ? [change.revocations] : [])],
    statements: [],
  }
  const said = { fleet, operator: name, verdict: 'proposed' as const, at: timeText(now), message: change.message }
  return createProposal(draft, mine, id => makeStatement({ ...said, proposal: id }, author), trusted)
}

/** Keys that may stand for the author: of a part that this proposal has. */
function authorsFor(has: { root: boolean; targets: boolean }, signers: Signers): Signer[] {
  const role: RoleName = has.root ? 'root' : has.targets ? 'targets' : 'members'
  return [...signers[role]].reverse()
}

export function notAsked(): ProposingError {
  return new ProposingError('not-asked', 'expected a key that may sign this for the fleet, and you have none', {
    hint: 'Compare `thymesh root show` with `thymesh key show`. Another operator adds your card with `thymesh root propose --add`.',
  })
}

/** Whether who made a proposal has taken it back. */
export function isWithdrawn({ proposal, statements }: VerifiedProposal): boolean {
  return statements.some(({ key, verdict }) => key === proposal.author && verdict === 'rejected')
}

/**
 * Refuses to sign a second proposal of one version: with enough signatures under both, devices would see two releases of
 * that version, and hold.
 */
export function requireOnlyOne(next: VerifiedProposal, all: readonly VerifiedProposal[], { signers }: Operator): void {
  const mine = new Set(roleNames.flatMap(role => signers[role].map(({ keyId }) => keyId)))
  const versionOf = ({ parts, proposal }: VerifiedProposal) => [
    ...[parts.root, parts.targets, parts.members].map(part => part?.signed.version),
    parts.site && `${proposal.site?.name} ${parts.site.signed.version}`,
  ]
  const other = all.find(
    each =>
      each.id !== next.id &&
      !isWithdrawn(each) &&
      each.requirements.some(({ signed }) => signed.some(id => mine.has(id))) &&
      versionOf(each).some((version, at) => version !== undefined && version === versionOf(next)[at]),
  )
  if (other === undefined) return
  throw new ProposingError(
    'already-signed',
    `you have already signed another proposal of this version: ${shortId(other.id)}`,
    {
      hint: `Look at it with \`thymesh proposals\`, or withdraw your signature with \`thymesh reject ${shortId(other.id)}\`.`,
    },
  )
}

/** Keys of this operator's by which a word on a proposal counts. */
function voicesOf(verified: VerifiedProposal, trusted: TrustedSet, { signers }: Operator): Signer[] {
  const asked = new Set([
    ...verified.requirements.flatMap(({ keys }) => [...keys.keys()]),
    ...publishersOf(verified.proposal, trusted).map(([id]) => id),
  ])
  return roleNames.flatMap(role => signers[role]).filter(({ keyId }) => asked.has(keyId))
}

/**
 * Documents with all signatures, before they are published. A site's release has no signature of the fleet; for the log, the
 * statement of the operator who publishes it counts.
 */
export function approveComplete(
  verified: VerifiedProposal,
  trusted: TrustedSet,
  operator: Operator,
  message: string,
): VerifiedProposal {
  if (verified.parts.site === undefined) return verified
  const [key] = voicesOf(verified, trusted, operator)
  if (key === undefined) throw notAsked()
  return signProposal(
    verified,
    [],
    statementBy(key, verified, trusted, operator, { verdict: 'approved', message }),
    trusted,
  )
}

/** The proposal with this operator's signatures and word. Throws a ProposingError when nothing is asked of them, or not all of it was shown. */
export function approve(
  verified: VerifiedProposal,
  trusted: TrustedSet,
  operator: Operator,
  message: string,
): VerifiedProposal {
  const wanted = wantedSigners(
    verified,
    roleNames.flatMap(role => operator.signers[role]),
  )
  const [key] = wanted
  if (key === undefined) throw notAsked()
  requireShown(verified)
  const taken = verified.statements.some(
    each => each.verdict === 'rejected' && wanted.some(({ keyId }) => keyId === each.key),
  )
  if (taken) {
    throw new ProposingError('withdrawn', 'you have rejected this proposal: a signature on it counts no more', {
      hint: 'Ask for a new proposal of the same change, or make one.',
    })
  }
  return signProposal(
    verified,
    wanted,
    statementBy(key, verified, trusted, operator, { verdict: 'approved', message }),
    trusted,
  )
}

/**
 * The proposal with this operator's word against it. A rejection by each key that has signed takes its signature back; nothing
 * is signed.
 */
export function reject(
  verified: VerifiedProposal,
  trusted: TrustedSet,
  operator: Operator,
  message: string,
): VerifiedProposal {
  const voices = voicesOf(verified, trusted, operator)
  const signed = new Set(verified.requirements.flatMap(each => each.signed))
  const keys = voices.filter(({ keyId }, at) => at === 0 || signed.has(keyId))
  if (keys.length === 0) throw notAsked()
  return keys.reduce(
    (rejected, key) =>
      signProposal(
        rejected,
        [],
        statementBy(key, verified, trusted, operator, { verdict: 'rejected', message }),
        trusted,
      ),
    verified,
  )
}

function statementBy(
  key: Signer,
  { id, proposal: { fleet } }: VerifiedProposal,
  trusted: TrustedSet,
  { now, name }: Operator,
  said: { verdict: 'approved' | 'rejected'; message: string },
): Uint8Array {
  const operator = operatorOf(trusted.root, key.keyId) ?? name ?? operatorName()
  return makeStatement({ ...said, fleet, proposal: fromHex(id), operator, at: timeText(now) }, key)
}

/**
 * Snapshot and timestamp over a proposal whose thresholds are met, verified as every peer will verify them. Nothing is kept
 * or told yet. Throws a ProposingError, a ClockError or a TrustError.
 */
export function signToPublish(
  { trusted, release }: Pick<SignedState, 'trusted' | 'release'>,
  verified: VerifiedProposal,
  keys: OnlineKeys,
  operator: Operator,
): Pick<Published, 'trusted' | 'documents'> {
  if (operator.trustClock !== true) requirePlausibleClock(trusted, release, operator.now)
  const { root, targets, members, site: metadata } = verified.parts
  requireLivingRoot(root === undefined ? trusted : { root }, operator.now)
  const site = verified.proposal.site?.name
  const parts = { ...(root && { root }), ...(targets && { targets }), ...(members && { members }) }
  const ofSite = metadata && site !== undefined && { site, metadata }
  const next = publishNext(trusted, { ...parts, ...(ofSite && { ofSite }) }, keys, operator.now)
  return { trusted: next, documents: verified.proposal.documents }
}

export function noOnlineKeys(): ProposingError {
  return new ProposingError(
    'no-online-keys',
    'expected a snapshot and a timestamp key of the fleet to publish with, found none',
    {
      hint: 'Ask an operator with these keys to publish it with `thymesh approve`: it has all other signatures.',
    },
  )
}

/** The keys of this operator that publish a proposal; nothing where one is missing, as site operators' are. */
export function onlineKeys(
  verified: VerifiedProposal,
  trusted: TrustedSet,
  { signers }: Operator,
): OnlineKeys | undefined {
  const root = verified.parts.root ?? trusted.root
  const snapshot = inRole(root, 'snapshot', signers)
  const timestamp = inRole(root, 'timestamp', signers)
  return snapshot && timestamp && { snapshot, timestamp }
}

function inRole(root: Loaded<'root'>, role: RoleName, signers: Signers): Signer | undefined {
  const ids = root.signed.roles[role]?.keyIDs ?? []
  return signers[role].find(({ keyId }) => ids.includes(keyId))
}

/** Whether the targets that are trusted don't do under a new root. */
function needsTargets(trusted: TrustedSet, root: Loaded<'root'>): boolean {
  const { targets } = trusted
  if (targets === undefined || !isSatisfied(targets, roleOf(root, 'targets'))) return true
  const [before, after] = [membersOf(trusted.root, trusted), membersOf(root, trusted)]
  const text = ({ keys, threshold }: typeof before) =>
    `${threshold} ${keys.map(key => Buffer.from(key).toString('hex')).sort()}`
  return text(before) !== text(after)
}

function nextMembersOf(
  trusted: TrustedSet,
  root: Loaded<'root'> | undefined,
  revocations: Uint8Array | undefined,
  now: Date,
): Loaded<'targets'> | undefined {
  const current = trusted.delegated[membersRole]
  if (current === undefined) return undefined
  const unsatisfied = root !== undefined && !isSatisfied(current, membersOf(root, trusted))
  if (!unsatisfied && revocations === undefined && !renewalDue(trusted, now)) return undefined
  return signMetadata('targets', nextMembers(current, now, revocations), [])
}

function contentOf({ v: _v, fleet: _f, version: _n, created: _c, ...content }: Release): ReleaseContent {
  return content
}
