/** A visit as text: a line for each device of the site, and whether the visitor may leave. */

import { namesInWords } from '../../node/rollout/decision.ts'
import type { Visit, Visited } from '../api/schemas/visit.ts'
import { releaseName } from '../format/release-name.ts'
import { ago, table } from '../format/table.ts'
import { stateInShort } from './fetching.ts'

export function visitText(visit: Visit): string {
  const { devices } = visit
  if (devices.length === 0) return 'No device is in reach yet.'
  const rows = devices.map(row => [
    row.device,
    row.release === null ? '-' : releaseName({ site: row.releaseSite ?? undefined, version: row.release }),
    wordsOn(row),
    row.hasAll ? 'all' : '-',
    row.here ? 'here' : row.seen ? 'by neighbours' : 'not seen',
    ago(row.lastSeen),
  ])
  return [table(['DEVICE', 'RELEASE', 'STATE', 'HAS', 'SEEN', 'LAST REPORT'], rows), '', leaveText(visit)].join('\n')
}

function wordsOn({ turn, ...row }: Visited): string {
  return turn === null ? stateInShort(row) : `${turn.is}: ${turn.reason}`
}

/** Such as `You may leave: device-2 and device-5 have all of it; 3 of 14 not seen.` */
export function leaveText({ devices, holders, missing, unseen, mayLeave, complete }: Visit): string {
  if (devices.length === 0) return 'No device is in reach yet.'
  const notSeen = unseen.length === 0 ? '' : `; ${unseen.length} of ${devices.length} not seen`
  if (complete) return `You may leave: all ${devices.length} devices have ended with it.`
  if (mayLeave) {
    const have = holders.length === 1 ? 'has' : 'have'
    return `You may leave: ${holders.length === 2 ? holders.join(' and ') : namesInWords(holders)} ${have} all of it${notSeen}.`
  }
  const lacks = missing.length === 0 ? 'no device was met' : `no device has all of ${namesInWords(missing)}`
  return `Stay: ${lacks}${notSeen}.`
}
