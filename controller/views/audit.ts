/** A device's witnessed log as text: its newest entries, and whether they are what the device has signed. */

import type { DeviceAudit } from '../api/schemas/audit.ts'
import { table } from '../format/table.ts'

export function auditText(audit: DeviceAudit): string {
  const rows = audit.entries.map(({ index, at, what, about }) => [String(index), at ?? '-', what, fieldsText(about)])
  return `${table(['ENTRY', 'WHEN', 'WHAT', 'ABOUT'], rows)}\n${verdictText(audit)}`
}

/** Without what is known of every entry. */
function fieldsText(about: Readonly<Record<string, string>>): string {
  return Object.entries(about)
    .filter(([name]) => !(name === 'peer' && about.name !== undefined))
    .map(([name, value]) => `${name}=${/[\s"]/.test(value) ? JSON.stringify(value) : value}`)
    .join(' ')
}

/** The last line, which says what was checked. */
export function verdictText({ device, problem, size, from, reported, heads }: DeviceAudit): string {
  if (problem !== null) {
    return `NOT VERIFIED: ${device} contradicts what it has signed: ${problem.message}. The evidence is kept: thymesh status.`
  }
  const old = heads.tooOld === 0 ? '' : `; ${heads.tooOld} too old to be compared`
  const agree = heads.agree === 1 ? '1 older signed head agrees' : `${heads.agree} older signed heads agree`
  return `Verified: entries ${from} to ${size - 1} are those of the head that ${device} has signed${reported === null ? '' : ` (${reported})`}; ${agree}${old}.`
}
