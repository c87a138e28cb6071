/** Orders about proposals: a signature or a rejection, and spreading what was signed. */

import type { z } from 'zod'
import { visible } from '../../protocol/encoding/visible.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type {
  approvedSchema,
  approveOptions,
  heardSchema,
  rejectedSchema,
  rejectOptions,
  spreadOptions,
} from '../api/schemas/orders.ts'
import { spread, submitProposal } from '../release/releasing.ts'
import type { Session } from '../session/session.ts'
import {
  acceptedOf,
  approve as addApproval,
  reject as addRejection,
  approveComplete,
  isWithdrawn,
  type Operator,
  requireOnlyOne,
} from '../signing/proposing.ts'
import { ProposingError } from '../signing/proposing-error.ts'
import { wholeProposal } from '../signing/whole-proposal.ts'
import type { Talk } from '../tasks/talk.ts'
import { titleOf } from '../views/proposal.ts'

/** Before a command leaves, so long it waits for one other peer to take what it has signed. */
const spreadMs = 30_000

/** Signs a proposal, and publishes it when its thresholds are met. */
export async function approve(
  session: Session,
  options: z.output<typeof approveOptions>,
): Promise<z.output<typeof approvedSchema>> {
  const { peer, home } = session
  const { operatorKeys } = home
  const signers = await operatorKeys.signers()
  const name = await operatorKeys.operator()
  return await session.signing.run(async () => {
    const judged = await wholeProposal(peer, openProposal(session, options.id))
    const accepted = acceptedOf(peer)
    const operator: Operator = { signers, now: new Date(), name, trustClock: options.trustClock }
    requireOnlyOne(judged, peer.proposals.all, operator)
    const said = options.message ?? ''
    const signed = judged.complete
      ? approveComplete(judged, accepted.trusted, operator, said)
      : addApproval(judged, accepted.trusted, operator, said)
    const { kind } = await submitProposal(session, signed, operator)
    return {
      id: signed.id,
      published: kind === 'published',
      root: signed.parts.root?.signed.version ?? null,
      release: signed.release?.version ?? null,
      members: signed.parts.members?.signed.version ?? null,
      site: signed.proposal.site?.name ?? null,
    }
  })
}

export async function reject(
  session: Session,
  options: z.output<typeof rejectOptions>,
): Promise<z.output<typeof rejectedSchema>> {
  const { operatorKeys } = session.home
  const name = await operatorKeys.operator()
  const signers = await operatorKeys.signers()
  const said = await session.signing.run(async () => {
    const judged = proposalOf(session, options.id)
    const operator = { signers, now: new Date(), name }
    const said = addRejection(judged, acceptedOf(session.peer).trusted, operator, options.message ?? '')
    await session.audit.noteProposal(said)
    await session.peer.proposals.add(said.proposal)
    return said
  })
  return { id: said.id, withdrawn: isWithdrawn(said), heard: await spread(session, spreadMs) }
}

/** Waits until one other peer has all that was signed here. */
export async function spreadSigned(
  session: Session,
  { seconds }: z.output<typeof spreadOptions>,
  talk: Talk,
): Promise<z.output<typeof heardSchema>> {
  const heard = await spread(session, seconds * 1000, talk.signal)
  talk.signal.throwIfAborted()
  return { heard }
}

function openProposal(session: Session, id: string): VerifiedProposal {
  const judged = proposalOf(session, id)
  if (!isWithdrawn(judged)) return judged
  const message = `expected an open proposal, got ${titleOf(judged)}, which its author has withdrawn`
  throw new ProposingError('withdrawn', message, { hint: 'Ask the author. `thymesh proposals` lists the others.' })
}

function proposalOf({ peer }: Session, id: string): VerifiedProposal {
  const found = peer.proposals.all.find(each => each.id === id)
  if (found !== undefined) return found
  throw new ProposingError('unknown-proposal', `expected a proposal, got ${visible(id, 100)}`, {
    hint: 'It may be published or superseded by now: `thymesh proposals` lists those that are open.',
  })
}
