/** How far a fetch is, in words: the share or the bytes, how fast they come, and how long it still takes. */

import { inWords } from '../../node/rollout/decision.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { DeviceStatus } from '../api/schemas/status.ts'
import { size } from '../format/table.ts'

type Update = NonNullable<Report['update']>

/** Without a newer report for this long, rate and time left are not what is, but what was. */
const staleAfterMs = 150_000

/** One device in the middle of a sentence, such as `fetching 40%, 2.0 MB/s, 12 s left`; its state where it fetches nothing. */
export function stateInShort({ state, update, lastSeen }: Progressing, now = Date.now()): string {
  if (state !== 'fetching' || !update || update.needed === 0) return state
  const share = (update.fromControllers + update.fromNeighbours) / update.needed
  const words = [`fetching ${Math.min(99, Math.floor(share * 100))}%`]
  // A wrong clock looks the same as a silent device, so the rate of neither is shown.
  const isFresh = lastSeen !== null && Math.abs(now - Date.parse(lastSeen)) < staleAfterMs
  return (isFresh ? [...words, ...paceInWords(update)] : words).join(', ')
}

type Progressing = Pick<DeviceStatus, 'update' | 'lastSeen'> & { readonly state: string }

/** All of it: what came of how much, from where, how fast, and the time that is left. */
export function fetchInWords(update: Update): string {
  const got = update.fromControllers + update.fromNeighbours
  const words = [`fetching ${size(got)} of ${size(update.needed)}`, `${update.pathsDone} of ${update.paths} paths`]
  if (update.fromStore > 0) words.push(`${size(update.fromStore)} from its own store`)
  words.push(`${size(update.fromNeighbours)} from neighbours`)
  return [...words, ...paceInWords(update)].join(', ')
}

/** The known part: nothing, the rate, or the rate and the time left. */
function paceInWords({ bytesPerSecond, secondsLeft, fromControllers, fromNeighbours, needed }: Update): string[] {
  if (bytesPerSecond === 0 || fromControllers + fromNeighbours >= needed) return []
  const rate = `${size(bytesPerSecond)}/s`
  return secondsLeft === undefined ? [rate] : [rate, `${inWords(secondsLeft * 1000)} left`]
}
