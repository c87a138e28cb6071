/** What weighs so much that the passphrase is asked for again, unlocked or not: who may sign, who is a member, and who is let in or out. */

import { isDeepStrictEqual } from 'node:util'
import { accessExtension } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type { Session } from '../session/session.ts'

/** By name of the order; also those that no view of the page gives, since whoever has its token could. */
const weighty: ReadonlySet<string> = new Set([
  'adopt',
  'renew',
  'token',
  'revoke-token',
  'revoke',
  'retire',
  'replace',
  'access-grant',
  'access-revoke',
  'change-root',
  'change-site',
  'sign-proposal',
])

export function asksAnew({ peer }: Pick<Session, 'peer'>, order: string, options: { readonly id?: unknown }): boolean {
  if (weighty.has(order)) return true
  if (order !== 'approve') return false
  const proposal = peer.proposals.all.find(({ id }) => id === options.id)
  // One that is not here yet may be by the time that the order looks for it.
  return proposal === undefined || isWeighty(proposal, peer.state.accepted)
}

/** Whether it changes more than what runs: signers, sites' operators, members, or who may log in where. */
function isWeighty(
  { parts, proposal, release }: VerifiedProposal,
  accepted: Session['peer']['state']['accepted'],
): boolean {
  if (parts.root !== undefined || parts.members !== undefined || accepted === undefined) return true
  const delegations = (targets: VerifiedProposal['parts']['targets']) =>
    JSON.stringify(targets?.signed.delegations?.toJSON() ?? null)
  if (parts.targets !== undefined && delegations(parts.targets) !== delegations(accepted.trusted.targets)) return true
  const site = proposal.site?.name
  const before = site === undefined ? accepted.release : accepted.sites.get(site)
  // As they were signed: those of a newer version, which this one can't read, count too.
  const grants = (of: Pick<Release, 'extensions'> | undefined) => of?.extensions?.values[accessExtension] ?? null
  return release !== undefined && !isDeepStrictEqual(grants(release), grants(before))
}
