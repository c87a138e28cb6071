/** Grants of access as text: a line each in a list, and in words where somebody signs them. */

import { type AccessGrant, accessOf } from '../../protocol/release/access.ts'
import type { Release } from '../../protocol/release/release.ts'
import { sshFingerprint } from '../../protocol/release/ssh-key.ts'
import type { GrantRow } from '../api/schemas/access.ts'
import { table } from '../format/table.ts'

export function accessText({ grants }: { grants: readonly GrantRow[] }): string {
  if (grants.length === 0) return 'Nobody has access to any device. `thymesh access grant` gives it.'
  const lines = grants.map(row => [
    row.signedBy === null ? row.id : `${row.signedBy}/${row.id}`,
    row.operator,
    row.keys.map(({ type, fingerprint }) => `${type} ${fingerprint.slice(0, 19)}…`).join(', '),
    placesOf(row),
    row.users.join(', '),
    [...row.may, ...(row.record ? ['recorded'] : [])].join(', '),
    row.until === null ? '-' : `${row.until}${row.expired ? ' (over)' : ''}`,
    String(row.counts.length),
  ])
  return table(['GRANT', 'OPERATOR', 'KEYS', 'WHERE', 'AS', 'MAY', 'UNTIL', 'DEVICES'], lines)
}

/** The grants that come and go with a release, a few lines each; none where access stays as it is. */
export function accessChangesText(before: Release, after: Release): string[] {
  const [was, is] = [readable(before), readable(after)]
  if (is === undefined) return ['  access: not readable by this version; devices of this version grant nothing by it']
  const same = (one: AccessGrant) => (other: AccessGrant) => JSON.stringify(one) === JSON.stringify(other)
  const gone = (was ?? []).filter(grant => !is.some(same(grant)))
  const come = is.filter(grant => !(was ?? []).some(same(grant)))
  return [
    ...gone.map(({ id, operator }) => `  access ENDS: grant ${id} of ${operator}`),
    ...come.flatMap(grant => [
      `  access BEGINS: grant ${grant.id} for ${grant.operator}`,
      `    on ${placesOf(grant)}, as ${grant.users.join(', ')}, ${grant.until === undefined ? 'without an end' : `until ${grant.until}`}`,
      `    may: ${grant.may.map(rightText).join('; ')}${grant.record === true ? '; sessions are recorded' : ''}`,
      ...grant.keys.map(key => `    key ${key.split(' ')[0]} ${sshFingerprint(key)}`),
    ]),
  ]
}

function readable(release: Release): AccessGrant[] | undefined {
  try {
    return accessOf(release)
  } catch {
    return undefined
  }
}

function placesOf({ devices = [], tags = [], sites = [] }: Pick<AccessGrant, 'devices' | 'tags' | 'sites'>): string {
  return [...devices, ...tags.map(tag => `tag ${tag}`), ...sites.map(site => `site ${site}`)].join(', ')
}

const rights: Readonly<Record<string, string>> = {
  shell: 'open a shell',
  exec: 'run any command',
  files: 'read and write files',
  screen: 'see the screen',
  'screen:control': 'control the screen',
}

function rightText(right: string): string {
  return rights[right] ?? `connect to ${right.slice('forward:'.length)}`
}
