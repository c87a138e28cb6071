/** The answer of `thymesh proposals`: what operators have proposed, what it changes, and what is missing of it. */

import type { Releases } from '../../protocol/release/effective-release.ts'
import { missingOf } from '../../protocol/release/join-shards.ts'
import { type Release, wantedConfig } from '../../protocol/release/release.ts'
import { operatorOf } from '../../protocol/trust/fleet.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import type { DeviceChange, ProposalRow, Voice } from '../api/schemas/proposals.ts'
import { shortId } from '../format/table.ts'
import type { Session } from '../session/session.ts'
import { acceptedOf, isWithdrawn } from '../signing/proposing.ts'
import { isWhole, wholeProposal } from '../signing/whole-proposal.ts'

export async function queryProposals({ peer }: Session): Promise<{ proposals: ProposalRow[] }> {
  const { all } = peer.proposals
  const proposals: ProposalRow[] = []
  for (const each of all) proposals.push(rowOf(await wholeProposal(peer, each), acceptedOf(peer)))
  return { proposals }
}

function rowOf(verified: VerifiedProposal, accepted: Releases & { trusted: TrustedSet }): ProposalRow {
  const { id, proposal, parts, release, requirements, complete } = verified
  return {
    id,
    root: parts.root?.signed.version ?? null,
    release: release?.version ?? null,
    members: parts.members?.signed.version ?? null,
    site: proposal.site?.name ?? null,
    operator: speaker(accepted.trusted, proposal.author, proposal.operator),
    created: proposal.created,
    message: proposal.message,
    complete,
    withdrawn: isWithdrawn(verified),
    signatures: requirements.map(({ part, by, signed, threshold }) => ({ part, by, signed: [...signed], threshold })),
    statements: voices(verified, accepted.trusted),
    isWhole: release === undefined || isWhole(release),
    lacks: release === undefined || isWhole(release) ? null : lacksOf(release),
    changes: release && isWhole(release) ? deviceChanges(releaseBefore(verified, accepted), release) : [],
  }
}

function lacksOf({ sharded }: Release): NonNullable<ProposalRow['lacks']> {
  const { problem } = sharded ?? {}
  return {
    ...(sharded === undefined || problem !== undefined ? { missing: null, of: null } : missingOf(sharded)),
    problem: problem === undefined ? null : { code: problem.code, message: problem.message },
  }
}

/** Devices that get another config or top level, by name. */
export function deviceChanges(before: Release, after: Release): DeviceChange[] {
  const names = [...new Set([...Object.keys(before.devices), ...Object.keys(after.devices)])].sort()
  return names.flatMap(device => {
    const [was, is] = [before, after].map(release => {
      const config = wantedConfig(release, device)
      return config === undefined ? null : { config: config.name, topLevel: config.topLevel }
    })
    if (was?.config === is?.config && was?.topLevel === is?.topLevel) return []
    return [{ device, before: was ?? null, after: is ?? null }]
  })
}

/** The release that a proposal takes the place of: the fleet's or the site's; an empty one before a site's first. */
export function releaseBefore({ proposal }: VerifiedProposal, { release, sites }: Releases): Release {
  const site = proposal.site?.name
  return site === undefined ? release : (sites.get(site) ?? { ...release, configs: {}, devices: {} })
}

/**
 * The name that the newest root gives a key. It names no operators of sites: of those it is the name that they claim and
 * the key, since the name alone might be another operator's.
 */
export function speaker(trusted: TrustedSet, key: string, claimed: string): string {
  return operatorOf(trusted.root, key) ?? `${claimed} (${shortId(key)})`
}

/** The statements on a proposal, the oldest first. */
export function voices({ statements }: Pick<VerifiedProposal, 'statements'>, trusted: TrustedSet): Voice[] {
  return statements
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ key, operator, verdict, at, message }) => ({
      operator: speaker(trusted, key, operator),
      verdict,
      at,
      message,
    }))
}
