/** `thymesh proposals`, `approve` and `reject`: what other operators want, and one's word on it. */

import type { VerifiedProposal } from '../../../protocol/trust/proposals.ts'
import { releaseName } from '../../format/release-name.ts'
import { shortId } from '../../format/table.ts'
import { openProject } from '../../project/project.ts'
import { spread, submitProposal } from '../../release/releasing.ts'
import type { Session } from '../../session/session.ts'
import {
  acceptedOf,
  approve as addApproval,
  reject as addRejection,
  approveComplete,
  isWithdrawn,
  type Operator,
  requireOnlyOne,
} from '../../signing/proposing.ts'
import { ProposingError } from '../../signing/proposing-error.ts'
import { capital, proposalText, signaturesText, titleOf } from '../../views/proposal.ts'
import { confirm } from '../shell/confirm.ts'
import { takeNews, withSession } from '../shell/context.ts'
import { spreadMs } from '../shell/limits.ts'
import type { ProjectOptions, ReadOptions, WatchOptions } from '../shell/options.ts'
import { exitCodes, note, print } from '../shell/output.ts'
import { show } from '../shell/reader.ts'
import { watch } from '../shell/watch.ts'

export async function proposals(options: ReadOptions): Promise<undefined> {
  return await show('proposals', options, {})
}

export type ApproveOptions = WatchOptions & { which: string; yes: boolean; trustClock: boolean; news: number }

/** Shows what a proposal changes, signs it, and publishes it when its thresholds are met. */
export async function approve(options: ApproveOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    const { peer, home } = session
    const verified = await findProposal(session, options)
    if (isWithdrawn(verified)) {
      throw new ProposingError(
        'withdrawn',
        `expected an open proposal, got ${titleOf(verified)}, which its author has withdrawn`,
        {
          hint: 'Ask the author. `thymesh proposals` lists the others.',
        },
      )
    }
    const accepted = acceptedOf(peer)
    note(options, proposalText(verified, accepted))
    if (!(await confirm(options, verified.complete ? 'Publish it?' : 'Sign it?'))) return exitCodes.failed
    const operator: Operator = {
      signers: await home.operatorKeys.signers(),
      now: new Date(),
      name: await home.operatorKeys.operator(),
      trustClock: options.trustClock,
    }
    requireOnlyOne(verified, peer.proposals.all, operator)
    const said = options.message ?? ''
    const signed = verified.complete
      ? approveComplete(verified, accepted.trusted, operator, said)
      : addApproval(verified, accepted.trusted, operator, said)
    const outcome = await submitProposal(session, signed, operator)
    const published = outcome.kind === 'published'
    const isRelease = signed.release !== undefined && signed.parts.root === undefined
    // The controller that proposed it has the closures: a command that doesn't wait needs no peer that has them.
    if (published && isRelease && options.wait) {
      note(options, `Release ${releaseName(outcome.release)} has all its signatures and is published.`)
      return await watch(session, outcome.release, options)
    }
    const heard = await spread(session, spreadMs)
    const missing = signed.complete
      ? 'has all signatures; an operator of the fleet publishes it'
      : `is signed; missing: ${signaturesText(signed)}`
    const what = published ? 'is published' : missing
    const from = published && isRelease ? ` Its closures come from the controller that proposed it.` : ''
    const rest = heard ? from : ' No other peer has it yet: run `thymesh status` when one is in reach.'
    print(options, { ...proposalAfter(signed, published), heard }, `${capital(titleOf(signed))} ${what}.${rest}`)
    return exitCodes.done
  })
}

export type RejectOptions = ProjectOptions & { which: string; message?: string; news: number }

export async function reject(options: RejectOptions): Promise<number> {
  const project = await openProject(options.project)
  return await withSession(project, options, async session => {
    const verified = await findProposal(session, options)
    const { trusted } = acceptedOf(session.peer)
    const { operatorKeys } = session.home
    const name = await operatorKeys.operator()
    const operator = { signers: await operatorKeys.signers(), now: new Date(), name }
    const said = addRejection(verified, trusted, operator, options.message ?? '')
    await session.audit.noteProposal(said)
    await session.peer.proposals.add(said.proposal)
    const heard = await spread(session, spreadMs)
    const withdrawn = isWithdrawn(said)
    const text = `${capital(titleOf(said))} is ${withdrawn ? 'withdrawn' : 'rejected by you'}.`
    print(options, { id: said.id, withdrawn, heard }, text)
    return exitCodes.done
  })
}

function proposalAfter(verified: VerifiedProposal, published: boolean) {
  return {
    id: verified.id,
    published,
    root: verified.parts.root?.signed.version ?? null,
    release: verified.release?.version ?? null,
    members: verified.parts.members?.signed.version ?? null,
  }
}

/** By the version of its release or root, or by the beginning of its ID; waits for it to come. */
async function findProposal(
  session: Session,
  options: ProjectOptions & { which: string; news: number },
): Promise<VerifiedProposal> {
  await takeNews(session, options, options.news)
  const deadline = Date.now() + options.news * 1000
  for (;;) {
    const all = session.peer.proposals.all
    const fitting = all.filter(each => isCalled(each, options.which))
    const [first, second] =
      fitting.filter(each => !isWithdrawn(each)).length > 0 ? fitting.filter(each => !isWithdrawn(each)) : fitting
    if (first !== undefined && second === undefined) return first
    if (second !== undefined) {
      throw new ProposingError('unknown-proposal', `expected one proposal, got ${fitting.length} of ${options.which}`, {
        hint: `Name it by its ID: ${fitting.map(({ id }) => shortId(id)).join(', ')}.`,
      })
    }
    if (Date.now() > deadline) {
      throw new ProposingError('unknown-proposal', `expected a proposal, got ${options.which}`, {
        hint:
          all.length === 0
            ? 'No peer in reach has a proposal: try again where one is.'
            : `Choose one of: ${all.map(titleOf).join('; ')}.`,
      })
    }
    await new Promise(resolve => setTimeout(resolve, 100))
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
