/** Alarms as text, a line each: what this controller knows, and what a device says of another as that device's claim. */

import type { Alarm, Claimant } from '../api/schemas/status.ts'
import { shortId } from '../format/table.ts'

export function alarmText({ kind, subject, verified, claimedBy }: Alarm): string {
  if (verified) return `ALARM: ${factText(kind, subject)} ${adviceText(kind, subject)}`
  return `${claimantsText(claimedBy)}: ${factText(kind, subject)} This controller has seen no evidence of it.`
}

/** Such as `kiosk-3 (…4tGkQ2pXw9vBn1aZ) says`; with more than one, how many others say the same. */
export function claimantsText(by: readonly Claimant[]): string {
  const [first] = by
  if (first === undefined) return 'Somebody says'
  const name = `${first.device} (${shortId(first.peer)})`
  return by.length === 1 ? `${name} says` : `${name} and ${by.length - 1} more say`
}

function factText(kind: Alarm['kind'], subject: string): string {
  if (kind === 'clone') return `two devices have the key of ${subject}.`
  if (kind === 'log') return `the witnessed log of ${subject} shrank or forked: it has taken back what it had signed.`
  return `two different documents are signed as ${subject}.`
}

function adviceText(kind: Alarm['kind'], subject: string): string {
  if (kind === 'clone') return 'See `thymesh members`.'
  if (kind === 'log') return 'Was it restored from a backup? Else somebody has root there. See `thymesh audit`.'
  const held = /^(?:targets|sites\/)/.test(subject) ? 'Updates are held. ' : ''
  return `${held}Find out who signed the second one.`
}
