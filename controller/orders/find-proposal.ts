/** Finding a proposal by what an operator calls it, and showing it before it is signed. */

import { setTimeout as sleep } from 'node:timers/promises'
import { visible } from '../../protocol/encoding/visible.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type { ProposalShown } from '../api/schemas/proposals.ts'
import { shortId } from '../format/table.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf, isWithdrawn } from '../signing/proposing.ts'
import { ProposingError } from '../signing/proposing-error.ts'
import { isWhole, requireShown, wholeProposal } from '../signing/whole-proposal.ts'
import { proposalText, titleOf } from '../views/proposal.ts'

export interface FindOptions {
  /** A version of a release (SITE/VERSION of a site), root-VERSION, or the beginning of an ID. */
  readonly which: string
  /** How long to wait for it to come, in seconds. */
  readonly wait: number
}

const lookAgainMs = 100

export async function showProposal(session: Session, options: FindOptions): Promise<ProposalShown> {
  const judged = await shownProposal(session, options)
  return {
    id: judged.id,
    title: titleOf(judged),
    complete: judged.complete,
    withdrawn: isWithdrawn(judged),
    text: proposalText(judged, acceptedOf(session.peer)),
  }
}

/** The proposal with all shards of its release, which may come a moment after it. Throws a ShardError if they don't. */
async function shownProposal(session: Session, options: FindOptions): Promise<VerifiedProposal> {
  const deadline = Date.now() + options.wait * 1000
  const found = await findProposal(session, options)
  for (;;) {
    const judged = await wholeProposal(session.peer, found)
    const { release } = judged
    if (release === undefined || isWhole(release)) return judged
    if (release.sharded?.problem !== undefined || Date.now() > deadline) requireShown(judged)
    await sleep(lookAgainMs)
  }
}

async function findProposal(session: Session, { which, wait }: FindOptions): Promise<VerifiedProposal> {
  const deadline = Date.now() + wait * 1000
  for (;;) {
    const all = session.peer.proposals.all
    const fitting = all.filter(each => isCalled(each, which))
    const open = fitting.filter(each => !isWithdrawn(each))
    const [first, second] = open.length > 0 ? open : fitting
    if (first !== undefined && second === undefined) return first
    if (second !== undefined) {
      throw new ProposingError(
        'unknown-proposal',
        `expected one proposal, got ${fitting.length} of ${visible(which, 100)}`,
        { hint: `Name it by its ID: ${fitting.map(({ id }) => shortId(id)).join(', ')}.` },
      )
    }
    if (Date.now() > deadline) {
      throw new ProposingError('unknown-proposal', `expected a proposal, got ${visible(which, 100)}`, {
        hint:
          all.length === 0
            ? 'No peer in reach has a proposal: try again where one is.'
            : `Choose one of: ${all.map(titleOf).join('; ')}.`,
      })
    }
    await sleep(lookAgainMs)
  }
}

function isCalled({ id, parts, release, proposal }: VerifiedProposal, which: string): boolean {
  if (which.length >= 16 && /^[0-9a-f]+$/.test(which)) return id.startsWith(which)
  const version = Number(which.replace(/^(release|root|members)-?/, ''))
  if (which.startsWith('root')) return parts.root?.signed.version === version
  if (which.startsWith('members')) return parts.members?.signed.version === version
  const site = proposal.site?.name
  if (site !== undefined) return which === `${site}/${release?.version}`
  return release?.version === version
}
