/** Verifying and signing proposals: the signers of each part, valid signatures, and missing ones. */

import { encode } from '@ipld/dag-cbor'
import { equalBytes, fromHex, sha256, sha256Hex } from '../encoding/hash.ts'
import { messageOf, ThymeshError } from '../errors.ts'
import { limits } from '../limits.ts'
import { type Release, releaseCodec } from '../release/release.ts'
import { type Envelope, readEnvelope } from '../signing/dsse.ts'
import { keyIdOf, type PublicKey, type Signer, verifySignature } from '../signing/keys.ts'
import { membersRole, type RoleName, releaseTarget } from './fleet.ts'
import { ownerProblem } from './key-owners.ts'
import { addSignatures, contentBytes, type Loaded, parseMetadata, type RoleKeys, signatureOf } from './metadata.ts'
import { type Proposal, type Statement, statementKind } from './proposal.ts'
import { withExtensions } from './release-extensions.ts'
import { membersOf, roleOf } from './role-keys.ts'
import { siteReleaseTarget } from './site-roles.ts'
import { sitesOf, siteVersion } from './sites.ts'
import type { TrustedSet } from './trusted-set.ts'

export class ProposalError extends ThymeshError<
  'other-fleet' | 'stale' | 'ahead' | 'malformed' | 'not-signed' | 'unowned-key'
> {}

export type PartName = 'root' | 'targets' | 'members' | 'site'
type Parts = { readonly [Name in PartName]?: Loaded<Name extends 'root' ? 'root' : 'targets'> }

/**
 * Signatures that one part of a proposal requires. A root needs both the trusted and the proposed root's keys; other
 * parts need the latter's.
 */
export interface Requirement {
  readonly part: PartName
  readonly by: 'current' | 'next'
  readonly keys: ReadonlyMap<string, PublicKey>
  readonly threshold: number
  /** IDs of the keys that have signed. */
  readonly signed: readonly string[]
}

/** A proposal that was verified against the trusted metadata. */
export interface VerifiedProposal {
  /** SHA-256 of its content without signatures, in hex. */
  readonly id: string
  readonly proposal: Proposal
  readonly parts: Parts
  readonly release: Release | undefined
  readonly requirements: readonly Requirement[]
  readonly statements: readonly Statement[]
  /** Whether every threshold is met. */
  readonly complete: boolean
}

/**
 * Verifies a proposal against the trusted metadata. Throws a ProposalError if it belongs to another fleet, is based
 * on older metadata than the trusted (`stale`) or on newer (`ahead`), or isn't signed by its author with a key of the
 * fleet; a MetadataError or FormatError if it is malformed. Drops signatures and statements that aren't required, so that
 * equal proposals have equal bytes.
 */
export function verifyProposal(given: Proposal, trusted: TrustedSet, fleet: string): VerifiedProposal {
  if (given.fleet !== fleet) throw new ProposalError('other-fleet', 'the proposal is for another fleet')
  const read = partsOf(given)
  if (Object.keys(read).length === 0) throw new ProposalError('malformed', 'the proposal proposes nothing')
  requireNext('root', read.root, trusted.root)
  requireOwners(read, trusted)
  requireNext('targets', read.targets, trusted.targets)
  requireNext('members', read.members, trusted.delegated[membersRole])
  requireSite(given, read, trusted)
  const asked = requirementsOf(given, read, trusted)
  const release = releaseOf(given, read, fleet)
  const id = idOf(given, read)
  requireAuthor(given, asked, trusted)
  const keys = new Map([...asked.flatMap(({ keys }) => [...keys]), ...publishersOf(given, trusted)])
  const { statements, envelopes } = statementsIn(given, id, keys)
  const requirements = withoutWithdrawn(asked, statements, given.author)
  const parts = onlyWanted(read, requirements)
  const proposal: Proposal = { ...given, ...bytesOf(parts, given), statements: envelopes }
  const complete = requirements.every(({ signed, threshold }) => signed.length >= threshold)
  return { id, proposal, parts, release, requirements, statements, complete }
}

/**
 * Drops the signatures of keys that have since rejected the proposal: a signer can withdraw until the threshold is met.
 * The author's signature stays, since it carries the proposal; a rejection by the author withdraws the whole proposal.
 */
function withoutWithdrawn(
  requirements: readonly Requirement[],
  statements: readonly Statement[],
  author: string,
): Requirement[] {
  const rejecting = statements.filter(({ verdict, key }) => verdict === 'rejected' && key !== author)
  const withdrawn = new Set(rejecting.map(({ key }) => key))
  return requirements.map(each => ({ ...each, signed: each.signed.filter(id => !withdrawn.has(id)) }))
}

/** Keys that may comment on a proposal without having to sign it: the fleet's operators publish a site's proposal. */
export function publishersOf({ site }: Pick<Proposal, 'site'>, trusted: TrustedSet): [string, PublicKey][] {
  return site === undefined ? [] : roleOf(trusted.root, 'targets').keys.map(key => [keyIdOf(key), key])
}

/** Merges two states of one proposal: all signatures and statements of both. */
export function mergeProposals(one: VerifiedProposal, other: VerifiedProposal, trusted: TrustedSet): VerifiedProposal {
  if (one.id !== other.id) throw new RangeError('expected two states of one proposal')
  const { root, targets, members, site } = other.parts
  const parts: Parts = {
    ...(one.parts.root && root && { root: addSignatures('root', one.parts.root, signaturesOf(root)) }),
    ...(one.parts.targets &&
      targets && { targets: addSignatures('targets', one.parts.targets, signaturesOf(targets)) }),
    ...(one.parts.members &&
      members && { members: addSignatures('targets', one.parts.members, signaturesOf(members)) }),
    ...(one.parts.site && site && { site: addSignatures('targets', one.parts.site, signaturesOf(site)) }),
  }
  const statements = [...one.proposal.statements, ...other.proposal.statements]
  return verifyProposal({ ...one.proposal, ...bytesOf(parts, one.proposal), statements }, trusted, one.proposal.fleet)
}

/** Creates a proposal, signed with these keys. `statementOf` makes the author's statement from the proposal's ID. */
export function createProposal(
  draft: Proposal,
  signers: readonly Signer[],
  statementOf: (id: Uint8Array) => Uint8Array,
  trusted: TrustedSet,
): VerifiedProposal {
  const read = partsOf(draft)
  const parts = withSignatures(read, requirementsOf(draft, read, trusted), signers)
  const statements = [...draft.statements, statementOf(fromHex(idOf(draft, parts)))]
  return verifyProposal({ ...draft, ...bytesOf(parts, draft), statements }, trusted, draft.fleet)
}

/** Adds the signatures of these keys where they are required, and a statement. */
export function signProposal(
  { proposal, parts: unsigned, requirements }: VerifiedProposal,
  signers: readonly Signer[],
  statement: Uint8Array,
  trusted: TrustedSet,
): VerifiedProposal {
  const parts = withSignatures(unsigned, requirements, signers)
  const statements = [...proposal.statements, statement]
  return verifyProposal({ ...proposal, ...bytesOf(parts, proposal), statements }, trusted, proposal.fleet)
}

function withSignatures(parts: Parts, requirements: readonly Requirement[], signers: readonly Signer[]): Parts {
  const made = (name: PartName, { signed }: Loaded<'root' | 'targets'>) => {
    const asked = requirements.filter(({ part }) => part === name)
    const wanted = signers.filter(({ keyId }) => asked.some(({ keys }) => keys.has(keyId)))
    return Object.fromEntries(wanted.map(signer => [signer.keyId, signatureOf(signed, signer)]))
  }
  const { root, targets, members, site } = parts
  return {
    ...(root && { root: addSignatures('root', root, made('root', root)) }),
    ...(targets && { targets: addSignatures('targets', targets, made('targets', targets)) }),
    ...(members && { members: addSignatures('targets', members, made('members', members)) }),
    ...(site && { site: addSignatures('targets', site, made('site', site)) }),
  }
}

/** Those signers whose signatures a proposal still requires. */
export function wantedSigners(verified: VerifiedProposal, signers: readonly Signer[]): Signer[] {
  return signers.filter(({ keyId }) =>
    verified.requirements.some(({ keys, signed }) => keys.has(keyId) && !signed.includes(keyId)),
  )
}

function partsOf({ root, targets, members, site }: Proposal): Parts {
  return {
    ...(root && { root: parseMetadata('root', root) }),
    ...(targets && { targets: parseMetadata('targets', targets) }),
    ...(members && { members: parseMetadata('targets', members) }),
    ...(site && { site: parseMetadata('targets', site.metadata) }),
  }
}

/** A site's part must be the only one, and its delegation must exist. */
function requireSite({ site }: Proposal, parts: Parts, trusted: TrustedSet): void {
  if (site === undefined) return
  if (Object.keys(parts).length > 1) throw new ProposalError('malformed', "a site's part stands alone in a proposal")
  const version = siteVersion(trusted, site.name) + 1
  const hasOperators = sitesOf(trusted.targets).has(site.name)
  if (!hasOperators || parts.site?.signed.version !== version) {
    // A site may have operators by metadata that we lack.
    const code = hasOperators && (parts.site?.signed.version ?? 0) < version ? 'stale' : 'ahead'
    throw new ProposalError(code, `expected version ${version} of a site with operators, got another of ${site.name}`)
  }
  requireOnlyRelease(site.name, parts.site)
}

/** Reviewers see only the release, so the metadata may contain nothing else. */
function requireOnlyRelease(site: string, { signed }: Loaded<'targets'>): void {
  const path = siteReleaseTarget(site)
  const others = Object.keys(signed.targets).filter(each => each !== path)
  if (others.length === 0 && Object.hasOwn(signed.targets, path) && signed.delegations === undefined) return
  throw new ProposalError(
    'malformed',
    `expected metadata that names ${path} and nothing else, got ${others.slice(0, 3).join(', ') || 'none, or delegations'}`,
  )
}

function requireOwners({ root }: Parts, trusted: TrustedSet): void {
  const keysOf = (of: Loaded<'root'>, role: RoleName) =>
    role === 'members' ? membersOf(of, trusted) : roleOf(of, role)
  const problem = root && ownerProblem(trusted.root, root, keysOf)
  if (problem === undefined) return
  throw new ProposalError('unowned-key', `expected a root whose keys have one listed operator each: ${problem}`)
}

function requireNext(name: string, next: Loaded<'root' | 'targets'> | undefined, current: typeof next): void {
  const version = (current?.signed.version ?? 0) + 1
  if (next === undefined || next.signed.version === version) return
  const code = next.signed.version < version ? 'stale' : 'ahead'
  throw new ProposalError(code, `expected a proposal of ${name} version ${version}, got ${next.signed.version}`)
}

function requirementsOf({ site }: Proposal, parts: Parts, trusted: TrustedSet): Requirement[] {
  const root = parts.root ?? trusted.root
  const by = parts.root === undefined ? 'current' : 'next'
  const needed = (part: PartName, of: 'current' | 'next', authority: RoleKeys) => {
    const keys = new Map(authority.keys.map(key => [keyIdOf(key), key]))
    const loaded = parts[part]
    const signed =
      loaded === undefined ? [] : [...keys].filter(([id, key]) => isSigned(loaded, id, key)).map(([id]) => id)
    return { part, by: of, keys, threshold: authority.threshold, signed }
  }
  const ofSite = site && sitesOf(trusted.targets).get(site.name)
  return [
    ...(parts.root ? [needed('root', 'current', roleOf(trusted.root, 'root'))] : []),
    ...(parts.root ? [needed('root', 'next', roleOf(parts.root, 'root'))] : []),
    ...(parts.targets ? [needed('targets', by, roleOf(root, 'targets'))] : []),
    ...(parts.members ? [needed('members', by, membersOf(root, trusted))] : []),
    ...(parts.site && ofSite ? [needed('site', 'current', ofSite)] : []),
  ]
}

/** Whether a document has enough signatures of a role's keys. */
export function isSatisfied(
  loaded: Loaded<'root' | 'targets'>,
  { keys, threshold }: { keys: readonly PublicKey[]; threshold: number },
): boolean {
  return (
    new Set(keys.map(keyIdOf).filter((id, at) => isSigned(loaded, id, keys[at] ?? new Uint8Array()))).size >= threshold
  )
}

function isSigned({ metadata, signed }: Loaded<'root' | 'targets'>, id: string, key: PublicKey): boolean {
  const sig = metadata.signatures[id]?.sig
  if (sig === undefined) return false
  try {
    return verifySignature(key, contentBytes(signed), fromHex(sig))
  } catch {
    return false
  }
}

/** Drops the signatures of each part that aren't required. */
function onlyWanted(parts: Parts, requirements: readonly Requirement[]): Parts {
  const kept = (name: PartName, { metadata }: Loaded<'root' | 'targets'>) => {
    const ids = requirements.filter(({ part }) => part === name).flatMap(({ signed }) => signed)
    return Object.fromEntries(ids.map(id => [id, metadata.signatures[id]?.sig ?? '']))
  }
  const { root, targets, members, site } = parts
  return {
    ...(root && { root: addSignatures('root', root, kept('root', root), true) }),
    ...(targets && { targets: addSignatures('targets', targets, kept('targets', targets), true) }),
    ...(members && { members: addSignatures('targets', members, kept('members', members), true) }),
    ...(site && { site: addSignatures('targets', site, kept('site', site), true) }),
  }
}

/** The author must hold one of the fleet's keys: so every author has a quota, and strangers have none. */
function requireAuthor({ author, site }: Proposal, requirements: readonly Requirement[], trusted: TrustedSet): void {
  const current = [roleOf(trusted.root, 'root'), roleOf(trusted.root, 'targets'), membersOf(trusted.root, trusted)]
  // A site's operators are authors for their own site only.
  const ofSite = site && sitesOf(trusted.targets).get(site.name)
  if (ofSite !== undefined) current.push({ ...ofSite, keys: [...ofSite.keys] })
  const isOurs = current.some(({ keys }) => keys.some(key => keyIdOf(key) === author))
  if (isOurs && requirements.some(({ signed }) => signed.includes(author))) return
  throw new ProposalError('not-signed', "the proposal isn't signed by its author with a key of the fleet")
}

function releaseOf(proposal: Proposal, parts: Parts, fleet: string): Release | undefined {
  const targets = parts.targets ?? parts.site
  if (targets === undefined) return undefined
  const site = proposal.site?.name
  const path = site === undefined ? releaseTarget : siteReleaseTarget(site)
  const hash = fromHex(targets.signed.targets[path]?.hashes.sha256 ?? '')
  const bytes = proposal.documents.find(each => equalBytes(sha256(each), hash))
  if (bytes === undefined) throw new ProposalError('malformed', 'the proposal lacks the release that it names')
  const release = withExtensions(releaseCodec.decode(bytes), targets, path)
  if (site !== undefined && bytes.length > limits.siteRelease) {
    throw new ProposalError('malformed', `expected a site's release of at most ${limits.siteRelease} bytes`)
  }
  if (release.fleet === fleet && release.site === site && release.version === targets.signed.version) return release
  throw new ProposalError('malformed', 'the proposal names the release of another fleet, site or version')
}

function statementsIn({ statements, fleet }: Proposal, id: string, keys: ReadonlyMap<string, PublicKey>) {
  const found = new Map<string, { statement: Statement; envelope: Uint8Array }>()
  const sorted = statements.toSorted(Buffer.compare)
  for (const envelope of sorted) {
    const opened = tryOpen(envelope)
    const statement = opened?.document
    const key = statement && keys.get(statement.key)
    if (opened === undefined || statement === undefined || key === undefined || !opened.signedBy(key)) continue
    if (statement.fleet !== fleet || !equalBytes(statement.proposal, fromHex(id))) continue
    const name = `${statement.key} ${statement.verdict}`
    if (!found.has(name)) found.set(name, { statement, envelope })
  }
  const kept = [...found.values()].slice(0, limits.signatures)
  return { statements: kept.map(each => each.statement), envelopes: kept.map(each => each.envelope) }
}

function tryOpen(envelope: Uint8Array): Envelope<Statement> | undefined {
  try {
    return readEnvelope(statementKind, envelope)
  } catch (thrown) {
    if (thrown instanceof ThymeshError) return undefined
    throw new RangeError(messageOf(thrown), { cause: thrown })
  }
}

function idOf(
  { statements: _s, root: _r, targets: _t, members: _m, site: of, ...said }: Proposal,
  parts: Parts,
): string {
  const content = (loaded: Loaded<'root' | 'targets'> | undefined) =>
    loaded ? sha256(contentBytes(loaded.signed)) : null
  const { root, targets, members } = parts
  const documents = said.documents.map(each => sha256(each))
  const named = {
    root: content(root),
    targets: content(targets),
    members: content(members),
    documents,
    ...(of && { site: { name: of.name, metadata: content(parts.site) } }),
  }
  return sha256Hex(encode({ ...said, ...named }))
}

function bytesOf({ root, targets, members, site }: Parts, { site: of }: Proposal) {
  return {
    ...(root && { root: root.bytes }),
    ...(targets && { targets: targets.bytes }),
    ...(members && { members: members.bytes }),
    ...(site && of && { site: { name: of.name, metadata: site.bytes } }),
  }
}

function signaturesOf({ metadata }: Loaded<'root' | 'targets'>): Record<string, string> {
  return Object.fromEntries(Object.values(metadata.signatures).map(({ keyID, sig }) => [keyID, sig]))
}
