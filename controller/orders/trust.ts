/** Orders that change who may sign: the root, and sites with operators of their own. Each is shown before it is signed. */

import type { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import { keyIdOf } from '../../protocol/signing/keys.ts'
import { type VerifiedProposal, verifyProposal, wantedSigners } from '../../protocol/trust/proposals.ts'
import { membersOf } from '../../protocol/trust/role-keys.ts'
import { sitesOf } from '../../protocol/trust/sites.ts'
import type {
  changeRootOptions,
  changeSiteOptions,
  previewProposalOptions,
  previewRootOptions,
  previewSiteOptions,
  signProposalOptions,
  TrustChanged,
  TrustPreview,
} from '../api/schemas/trust-orders.ts'
import { parseCard, requireFleet } from '../keys/card.ts'
import { isNamed, orphanedBy } from '../members/orphans.ts'
import { spread, submitProposal } from '../release/releasing.ts'
import { takeNews } from '../session/news.ts'
import type { Session } from '../session/session.ts'
import {
  acceptedOf,
  approve as addApproval,
  type Change,
  makeProposal,
  type Operator,
  requireOnlyOne,
} from '../signing/proposing.ts'
import { delegateSite, revokeSite } from '../signing/sites.ts'
import type { Talk } from '../tasks/talk.ts'
import { proposalText } from '../views/proposal.ts'
import { changedBy, proposalOf, rootChanges } from './trust-change.ts'

/** A change of who signs waits so long for news of other operators. */
const newsSeconds = 3
const noPeerYet = 'No peer is in reach yet.'
/** Before it ends, so long it waits for one other peer to take what was signed. */
const spreadMs = 30_000

type RootOptions = z.output<typeof previewRootOptions>
type SiteOptions = z.output<typeof previewSiteOptions>

export async function previewRoot(session: Session, options: RootOptions): Promise<TrustPreview> {
  await takeNews(session, () => {}, newsSeconds)
  return await previewOf(session, rootChange(session, options), options.trustClock)
}

export async function previewSite(session: Session, options: SiteOptions): Promise<TrustPreview> {
  await takeNews(session, () => {}, newsSeconds)
  const preview = await previewOf(session, siteChange(session, options), options.trustClock)
  const words = wordsOn(session, options)
  return words === undefined ? preview : { ...preview, text: `${preview.text}\n${words}` }
}

export async function previewProposal(
  session: Session,
  { proposal }: z.output<typeof previewProposalOptions>,
): Promise<TrustPreview> {
  return await described(session, verifiedText(session, proposal), (await operatorOf(session, true)).signers)
}

export async function changeRoot(
  session: Session,
  options: z.output<typeof changeRootOptions>,
  talk: Talk,
): Promise<TrustChanged> {
  // A change for a file is for operators who meet: it waits for nobody.
  if (options.publish) await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  const operator = await operatorOf(session, options.trustClock)
  requireBase(session, options.base)
  const verified = proposed(session, rootChange(session, options), operator)
  if (!options.publish) return changedBy(verified)
  requireOnlyOne(verified, session.peer.proposals.all, operator)
  talk.signal.throwIfAborted()
  const members = await keepMembers(session, verified, options.keep)
  return { ...(await submitted(session, verified, operator, talk)), ...members }
}

export async function changeSite(
  session: Session,
  options: z.output<typeof changeSiteOptions>,
  talk: Talk,
): Promise<TrustChanged> {
  await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  const operator = await operatorOf(session, options.trustClock)
  requireBase(session, options.base)
  const verified = proposed(session, siteChange(session, options), operator)
  requireOnlyOne(verified, session.peer.proposals.all, operator)
  talk.signal.throwIfAborted()
  return await submitted(session, verified, operator, talk)
}

/** Adds this operator's signatures to a proposal out of a file. */
export async function signProposal(
  session: Session,
  { proposal, message = '', trustClock, publish }: z.output<typeof signProposalOptions>,
  talk: Talk,
): Promise<TrustChanged> {
  if (publish) await takeNews(session, talk.note, newsSeconds, noPeerYet, talk.signal)
  const operator = await operatorOf(session, trustClock)
  const verified = verifiedText(session, proposal)
  const mine = wantedSigners(verified, Object.values(operator.signers).flat())
  const isSigned = mine.length === 0 && verified.complete
  const next = isSigned ? verified : addApproval(verified, acceptedOf(session.peer).trusted, operator, message)
  talk.signal.throwIfAborted()
  if (!next.complete || !publish) return changedBy(next)
  return await submitted(session, next, operator, talk)
}

function rootChange({ peer }: Session, options: RootOptions): Change {
  requireFleet(options.add.map(parseCard), peer.fleet)
  return { root: rootChanges(options), message: options.message ?? '' }
}

function siteChange({ peer }: Session, { site, operators, threshold, message }: SiteOptions): Change {
  const { trusted } = acceptedOf(peer)
  const cards = operators.map(parseCard)
  const unique = [...new Map(cards.map(card => [keyIdOf(card.targets), card])).values()]
  requireFleet(unique, peer.fleet)
  const made = unique.length === 0 ? revokeSite(trusted, site) : delegateSite(trusted, site, unique, threshold)
  return { ...made, message: message ?? made.message }
}

async function operatorOf({ home }: Session, trustClock: boolean): Promise<Operator> {
  return { signers: await home.operatorKeys.signers(), now: new Date(), trustClock }
}

function proposed({ peer }: Session, change: Change, operator: Operator): VerifiedProposal {
  return makeProposal({ ...acceptedOf(peer), fleet: peer.fleet }, change, operator)
}

function verifiedText({ peer }: Session, text: string): VerifiedProposal {
  return verifyProposal(proposalOf(text), acceptedOf(peer).trusted, peer.fleet)
}

async function previewOf(session: Session, change: Change, trustClock: boolean): Promise<TrustPreview> {
  const operator = await operatorOf(session, trustClock)
  return await described(session, proposed(session, change, operator), operator.signers)
}

async function described(
  session: Session,
  verified: VerifiedProposal,
  signers: Operator['signers'],
): Promise<TrustPreview> {
  const accepted = acceptedOf(session.peer)
  const { ended, canKeep } = await endedBy(session, verified)
  return {
    ...{ id: verified.id, text: proposalText(verified, accepted), complete: verified.complete },
    wanted: wantedSigners(verified, Object.values(signers).flat()).length > 0,
    base: baseOf(session),
    ended: ended.map(({ name, role, peer }) => ({ name, role, peer })),
    canKeep,
  }
}

function baseOf({ peer }: Session): TrustPreview['base'] {
  const { root, targets } = acceptedOf(peer).trusted
  return { root: root.signed.version, targets: targets?.signed.version ?? 0 }
}

function requireBase(session: Session, base: TrustPreview['base']): void {
  const now = baseOf(session)
  if (now.root === base.root && now.targets === base.targets) return
  throw new HintedError('changed-meanwhile', 'the root or the targets were changed since this was shown', {
    hint: 'Look at the change again, then give the order again.',
  })
}

/** Members whom a new root cuts off, but for those who wait for a person's decision: renewing would be the decision. */
async function endedBy({ peer, home, registrar }: Session, { parts }: VerifiedProposal) {
  const { trusted, authority } = { ...acceptedOf(peer), authority: peer.state.accepted?.authority }
  if (parts.root === undefined || authority === undefined) return { ended: [], canKeep: false }
  const next = membersOf(parts.root, trusted)
  const held = (await registrar.decisions()).flatMap(({ kind, certificate }) =>
    kind === 'hold' ? certificate.peer : [],
  )
  const others = orphanedBy(next, peer, new Date()).filter(each => each.peer !== peer.peerId)
  const mine = await home.operatorKeys.membersKeys()
  // New certificates must be valid under the present root, until the next one is published, and under that.
  const canKeep = isNamed(mine, next.keys) && isNamed(mine, authority.keys)
  return { ended: others.filter(each => !held.includes(each.peer)), canKeep }
}

/** New certificates for those who are to stay although the root no longer names the keys of theirs. */
async function keepMembers(
  session: Session,
  verified: VerifiedProposal,
  keep: readonly string[],
): Promise<Pick<TrustChanged, 'renewed' | 'cutOff'>> {
  const { ended, canKeep } = await endedBy(session, verified)
  const kept = canKeep ? ended.filter(({ peer }) => keep.includes(peer)) : []
  if (kept.length > 0) {
    await session.registrar.sign(
      kept.map(({ peer }) => peer),
      await session.home.keys(),
    )
    await session.peer.neighbours.sync()
  }
  const cutOff = ended.filter(each => !kept.includes(each))
  return { renewed: kept.map(({ name }) => name), cutOff: cutOff.map(({ name }) => name) }
}

async function submitted(
  session: Session,
  verified: VerifiedProposal,
  operator: Operator,
  talk: Talk,
): Promise<TrustChanged> {
  const { kind } = await session.signing.run(() => submitProposal(session, verified, operator))
  await session.home.operatorKeys.noteTrusted(acceptedOf(session.peer).trusted)
  talk.step('Waiting until one other peer has it')
  const heard = await spread(session, spreadMs, talk.signal)
  return changedBy(verified, { published: kind === 'published', heard })
}

/** Possible typing errors, and consequences that an operator should know. */
function wordsOn({ peer }: Session, { site, operators }: SiteOptions): string | undefined {
  const devices = peer.directory.certificates().filter(({ role }) => role === 'device')
  const names = devices
    .filter(device => device.site === site)
    .map(({ name }) => name)
    .sort()
  const rest = names.length > 10 ? ` and ${names.length - 10} more` : ''
  if (names.length > 0) return `  Devices there now: ${names.slice(0, 10).join(', ')}${rest}`
  if (operators.length === 0 || sitesOf(acceptedOf(peer).trusted.targets).has(site)) return undefined
  const known = [...new Set(devices.flatMap(device => device.site ?? []))].sort()
  return `  Note: no device that is known here has the site ${site} in its certificate. Sites that are: ${known.join(', ') || 'none'}.`
}
