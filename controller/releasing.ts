/** From a change to what the mesh has of it: published at once where one's own signatures do, else proposed to the others. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { limits } from '../protocol/limits.ts'
import type { Release } from '../protocol/release.ts'
import { parseMetadata } from '../protocol/trust/metadata.ts'
import type { Judged } from '../protocol/trust/proposals.ts'
import {
  beliefOf,
  type Change,
  isWithdrawn,
  makeProposal,
  type Operator,
  publishProposal,
  requireOnlyOne,
} from './proposing.ts'
import type { Session } from './session.ts'

export type Outcome =
  | { readonly kind: 'published'; readonly release: Release; readonly judged: Judged }
  | { readonly kind: 'proposed'; readonly judged: Judged }

/** Signs a change with this operator's keys, and publishes or proposes it. */
export async function bringAbout(session: Session, change: Change, operator: Operator): Promise<Outcome> {
  const { peer } = session
  const judged = makeProposal({ ...beliefOf(peer), fleet: peer.fleet }, change, operator)
  requireOnlyOne(judged, peer.proposals.book.all, operator)
  return await passOn(session, judged, operator)
}

/** Publishes a proposal if nothing is missing any more, else lets it travel. */
export async function passOn(session: Session, judged: Judged, operator: Operator): Promise<Outcome> {
  const { peer, audit } = session
  await audit.noteProposal(judged)
  if (!judged.complete || isWithdrawn(judged)) {
    await peer.proposals.book.add(judged.proposal)
    return { kind: 'proposed', judged }
  }
  // Others see the last signature before what it leads to, and who publishes may fail: so it is kept first.
  await peer.proposals.book.add(judged.proposal)
  await publishProposal(peer, judged, operator)
  return { kind: 'published', release: beliefOf(peer).release, judged }
}

/** Waits until one other peer has all proposals and metadata of ours, or for the time; resolves to whether one has. */
export async function spread(session: Session, limitMs: number, signal?: AbortSignal): Promise<boolean> {
  const { peer } = session
  const deadline = Date.now() + limitMs
  while (Date.now() < deadline && signal?.aborted !== true) {
    for (const member of peer.admission.members) {
      if ((await peer.proposals.with(member.peer)) && (await hasHead(session, member.peer))) return true
    }
    await sleep(200)
  }
  return false
}

async function hasHead({ peer }: Session, member: PeerId): Promise<boolean> {
  try {
    const theirs = await peer.documents.ask(member, { head: true }, limits.timestamp)
    const ours = peer.state.belief?.trusted.timestamp?.signed.version ?? 0
    return theirs !== undefined && parseMetadata('timestamp', theirs).signed.version >= ours
  } catch {
    return false
  }
}
