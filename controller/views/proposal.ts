/** The changes of a proposal as text: on which devices, and in the fleet's root. People read it before they sign. */

import { visible } from '../../protocol/encoding/visible.ts'
import { isBound } from '../../protocol/release/binding.ts'
import type { Release, ReleasedConfig } from '../../protocol/release/release.ts'
import { fleetFields, operatorOf, type RoleName, roleNames } from '../../protocol/trust/fleet.ts'
import type { Loaded } from '../../protocol/trust/metadata.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { membersOf, roleOf } from '../../protocol/trust/role-keys.ts'
import { nixKeysFor, sitesOf } from '../../protocol/trust/sites.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import type { ProposalRow } from '../api/schemas/proposals.ts'
import { releaseName } from '../format/release-name.ts'
import { siteChanges } from '../format/site-changes.ts'
import { shortPath, size } from '../format/table.ts'
import { deviceChanges, releaseBefore, speaker, voices } from '../queries/proposals.ts'
import { type SignedState, signedParts } from '../signing/signed-changes.ts'
import { accessChangesText } from './access.ts'
import { type OwnerOf, signedChangesText } from './signed-changes.ts'

/** A line for each config that changes, with its devices, then what else a release says anew. */
function releaseChangesText(before: Release, after: Release): string[] {
  const lines: string[] = []
  const changes = deviceChanges(before, after)
  for (const [name, config] of Object.entries(after.configs).sort(([a], [b]) => a.localeCompare(b))) {
    const devices = changes.filter(({ after }) => after?.config === name)
    const old = before.configs[name]
    if (devices.length === 0 && text(old) === text(config)) continue
    lines.push(`  config ${name}: ${shortPath(old?.topLevel ?? null)} → ${shortPath(config.topLevel)}`)
    lines.push(`    ${old?.topLevel ?? 'nothing yet'}`, `    ${config.topLevel}`)
    lines.push(`    ${config.system}, ${config.target}; ${sizesOf(old)} → ${sizesOf(config)}`)
    if (old !== undefined && !sameBeside(old, config))
      lines.push('    its closure, update policy or secrets change: see below')
    for (const { device, before: was } of devices) {
      lines.push(`    ${device}${was === null ? ' (new)' : was.config === name ? '' : ` (was ${was.config})`}`)
    }
  }
  for (const { device, before: was, after: is } of changes) {
    if (is === null) lines.push(`  ${device}: no config any more (was ${was?.config})`)
  }
  if (text(before.rollout) !== text(after.rollout)) lines.push('  the rollout policy changes: see below')
  if (after.restores !== undefined) {
    lines.push(`  It goes back to release ${releaseName({ site: after.site, version: after.restores })}.`)
  }
  return lines.length > 0 ? lines : ['  No device gets another system.']
}

/** A line for each config that no Nix key of the fleet, or of the release's site, has signed. */
function unboundText(release: Release, keys: readonly string[]): string[] {
  return Object.keys(release.configs)
    .filter(name => !isBound(release, name, keys))
    .map(
      name =>
        `  config ${name} is not signed by a Nix key: devices run no command probe of it and install no new secret of it`,
    )
}

function sizesOf(config: ReleasedConfig | undefined): string {
  return config === undefined ? 'nothing' : `${config.paths} paths, ${size(config.narSize)}`
}

/** Whether two configs differ in nothing but another top level. */
function sameBeside(one: ReleasedConfig | undefined, other: ReleasedConfig): boolean {
  const beside = ({ topLevel, closure, paths: _p, narSize: _n, ...rest }: ReleasedConfig) =>
    text({ ...rest, closure: topLevel === one?.topLevel && closure })
  return one !== undefined && beside(one) === beside(other)
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? ''
}

/** The changes of a new root, a line each. */
function rootChangesText(trusted: TrustedSet, next: Loaded<'root'>): string[] {
  const { root } = trusted
  const [was, is] = [fleetFields(root), fleetFields(next)]
  const lines: string[] = []
  const names = [...new Set([...Object.keys(was.operators ?? {}), ...Object.keys(is.operators ?? {})])].sort()
  for (const name of names) {
    const [before, after] = [was.operators?.[name], is.operators?.[name]]
    if (text(before) === text(after)) continue
    const what = before === undefined ? 'comes' : after === undefined ? 'goes' : 'gets new keys'
    lines.push(`  operator ${name} ${what}`)
  }
  for (const role of roleNames) {
    const [before, after] = [authority(role, root, trusted), authority(role, next, trusted)]
    if (before !== after) lines.push(`  ${role}: ${before} → ${after}`)
  }
  for (const key of was.nixPublicKeys) if (!is.nixPublicKeys.includes(key)) lines.push(`  Nix key ${key} is removed`)
  for (const key of is.nixPublicKeys) if (!was.nixPublicKeys.includes(key)) lines.push(`  Nix key ${key} is added`)
  const sites = [...new Set([was, is].flatMap(({ siteNixKeys = {} }) => Object.keys(siteNixKeys)))].sort()
  for (const site of sites) {
    const [before, after] = [was.siteNixKeys?.[site] ?? [], is.siteNixKeys?.[site] ?? []]
    if (text(before) !== text(after))
      lines.push(`  Nix keys at the site ${site}: ${after.join(', ') || "the fleet's only"}`)
  }
  lines.push(`  expires ${root.signed.expires} → ${next.signed.expires}`)
  return lines
}

function authority(role: RoleName, root: Loaded<'root'>, trusted: TrustedSet): string {
  const { keys, threshold } = role === 'members' ? membersOf(root, trusted) : roleOf(root, role)
  return `${threshold} of ${keys.length}`
}

/** The parts of a proposal in two or three words, such as `root 4, release 12`. */
export function titleOf({ parts, release, proposal }: VerifiedProposal): string {
  return titleOfParts({
    root: parts.root?.signed.version ?? null,
    release: release?.version ?? null,
    members: parts.members?.signed.version ?? null,
    site: proposal.site?.name ?? null,
  })
}

export function titleOfParts(row: Pick<ProposalRow, 'root' | 'release' | 'members' | 'site'>): string {
  const { root, release, members, site } = row
  const words = [
    ...(root === null ? [] : [`root ${root}`]),
    ...(release === null ? [] : [`release ${releaseName({ site: site ?? undefined, version: release })}`]),
    ...(members === null ? [] : [`members ${members}`]),
  ]
  return words.join(', ')
}

/** The signatures so far, such as `targets 1 of 2`; only what is missing, or all that is there. */
export function signaturesText(of: VerifiedProposal | Pick<ProposalRow, 'signatures' | 'complete'>): string {
  const all = 'requirements' in of ? of.requirements : of.signatures
  const shown = of.complete ? all : all.filter(({ signed, threshold }) => signed.length < threshold)
  return shown
    .map(({ part, by, signed, threshold }) => {
      const which = part === 'root' ? (by === 'current' ? 'root (old)' : 'root (new)') : part
      return `${which} ${signed.length} of ${threshold}`
    })
    .join(', ')
}

/** All that an operator should see before signing: in short, then every difference that the signature covers. */
export function proposalText(verified: VerifiedProposal, accepted: SignedState): string {
  const { trusted } = accepted
  const { proposal, parts } = verified
  const author = visible(speaker(trusted, proposal.author, proposal.operator))
  const lines = [`${capital(titleOf(verified))}, proposed by ${author} on ${proposal.created}`]
  if (proposal.message !== '') lines.push(`  "${visible(proposal.message)}"`)
  if (verified.release?.commit !== undefined) lines.push(`  from commit ${verified.release.commit}`)
  if (parts.root !== undefined) lines.push(...rootChangesText(trusted, parts.root))
  if (verified.release !== undefined) {
    lines.push(...releaseChangesText(releaseBefore(verified, accepted), verified.release))
    lines.push(...accessChangesText(releaseBefore(verified, accepted), verified.release))
    lines.push(...unboundText(verified.release, nixKeysFor(parts.root ?? trusted.root, verified.release.site)))
  }
  if (parts.targets !== undefined)
    lines.push(...siteChanges(sitesOf(trusted.targets), sitesOf(parts.targets)).map(line => `  ${line}`))
  lines.push('', 'The signature covers all of this:')
  lines.push(...signedChangesText(signedParts(verified, accepted), ownerIn(trusted, parts.root)))
  lines.push('', `Signatures: ${signaturesText(verified)}`)
  for (const { operator, verdict, at, message } of voices(verified, trusted)) {
    lines.push(`  ${verdict} by ${visible(operator)} on ${at}${message === '' ? '' : `: "${visible(message)}"`}`)
  }
  // Whatever part of a document is in a line, it is one line, and not cut.
  return lines.map(line => visible(line, Number.POSITIVE_INFINITY)).join('\n')
}

/** The listed operator of a key, by the root that is trusted, else by the proposed one. */
function ownerIn(trusted: TrustedSet, next: Loaded<'root'> | undefined): OwnerOf {
  return id => operatorOf(trusted.root, id) ?? (next && operatorOf(next, id))
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
