/** Submitting a change to the mesh: it is published where one's own signatures suffice, else proposed to other operators. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Release } from '../../protocol/release/release.ts'
import { ProposalError, type VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type { ReleaseContent } from '../../protocol/trust/publish.ts'
import type { Session } from '../session/session.ts'
import {
  acceptedOf,
  type Change,
  isWithdrawn,
  makeProposal,
  noOnlineKeys,
  type Operator,
  onlineKeys,
  requireOnlyOne,
  signToPublish,
} from '../signing/proposing.ts'
import { makeSiteProposal } from '../signing/sites.ts'
import { fitContent } from './fit-release.ts'

export type Outcome =
  | { readonly kind: 'published'; readonly release: Release; readonly verified: VerifiedProposal }
  | { readonly kind: 'proposed'; readonly verified: VerifiedProposal }

/** Signs a change with this operator's keys, and publishes or proposes it. */
export async function submitChange(session: Session, change: Change, operator: Operator): Promise<Outcome> {
  const { peer } = session
  const { content } = change
  const fitted = content === undefined ? change : { ...change, content: await fitContent(peer, content, operator.now) }
  return await submitNew(session, makeProposal({ ...acceptedOf(peer), fleet: peer.fleet }, fitted, operator), operator)
}

/** The same for a release of one site. */
export async function submitSiteRelease(
  session: Session,
  site: string,
  content: ReleaseContent,
  operator: Operator,
): Promise<Outcome> {
  const about = { ...acceptedOf(session.peer), fleet: session.peer.fleet }
  return await submitNew(
    session,
    makeSiteProposal(about, site, content, operator, await session.home.operatorKeys.operator()),
    operator,
  )
}

async function submitNew(session: Session, verified: VerifiedProposal, operator: Operator): Promise<Outcome> {
  const { peer } = session
  requireOnlyOne(verified, peer.proposals.all, operator)
  return await submitProposal(session, verified, operator)
}

/** Publishes a proposal that is complete, else gives it to the other operators. */
export async function submitProposal(
  session: Session,
  verified: VerifiedProposal,
  operator: Operator,
): Promise<Outcome> {
  const { peer, audit } = session
  await audit.noteProposal(verified)
  // An operator of a site has no keys to publish with: one of the fleet does that.
  const keys = onlineKeys(verified, acceptedOf(peer).trusted, operator)
  const mayPublish = verified.parts.site === undefined || keys
  if (!verified.complete || isWithdrawn(verified) || !mayPublish) {
    await peer.proposals.add(verified.proposal)
    return { kind: 'proposed', verified }
  }
  // Before it is kept: a complete proposal that stays behind a failure would be published by the next who sees it.
  const next = keys && signToPublish(acceptedOf(peer), verified, keys, operator)
  if (next === undefined) {
    await peer.proposals.add(verified.proposal)
    throw noOnlineKeys()
  }
  await peer.state.publish(next)
  // Closed by now: the other operators' logs show it, and devices have no need of it.
  await peer.proposals.add(verified.proposal).catch((thrown: unknown) => {
    // More was published meanwhile: this is out all the same, and must not look as if it failed.
    if (!(thrown instanceof ProposalError && thrown.code === 'stale')) throw thrown
  })
  const { release, sites } = acceptedOf(peer)
  const site = verified.proposal.site?.name
  return { kind: 'published', release: (site !== undefined && sites.get(site)) || release, verified }
}

/** How long it is looked for a first peer where none answers: one of this network or a hub does so sooner. */
const aloneMs = 5_000

/**
 * Waits until one other peer has all proposals and metadata of ours; resolves to whether one has. Ends after the time, and sooner
 * where nobody is in reach: what was signed is kept, and spreads when somebody is.
 */
export async function spread(session: Session, limitMs: number, signal?: AbortSignal): Promise<boolean> {
  const { neighbours } = session.peer
  const deadline = Date.now() + limitMs
  let met = Date.now()
  while (Date.now() < deadline && signal?.aborted !== true) {
    for (const { peer: member } of neighbours.members) {
      if ((await neighbours.exchangeProposals(member)) && (await neighbours.hasOurHead(member))) return true
    }
    if (neighbours.areConnecting) met = Date.now()
    if (Date.now() - met >= aloneMs) return false
    await sleep(500)
  }
  return false
}
