/**
 * Evaluates a sequence of waves: whether a device's wave may begin, because those before have confirmed and soaked
 * without too many failures.
 */

import { covers } from '../../protocol/release/shard-entry.ts'
import type { Wave } from '../../protocol/release/waves.ts'
import type { Outcome } from '../../protocol/report/outcome.ts'
import { type Decision, inWords, namesInWords, type Progress } from './decision.ts'

/** The known status of one device of the release. */
export interface DeviceStatus {
  readonly outcome: Outcome
  /** Since when it has run the release, and when it last reported so; both by its own clock. */
  readonly since?: Date
  readonly at?: Date
  /** When it was last heard of, on the steady clock; undefined if never. */
  readonly heardAt?: number
}

export interface Now {
  /** Milliseconds of a monotonic clock that stands still while the device is off. */
  readonly steady: number
  /** Its value when the daemon started. */
  readonly started?: number
  /** The time, if a live clock is available. */
  readonly clock?: Date
}

export interface WaveSequence {
  readonly waves: readonly Wave[]
  /** Identifies these waves in the memory. */
  readonly key: string
  /** The number of waves that are open regardless of those before them. */
  readonly promoted: number
  readonly created: Date
}

/** When each wave was first seen to have confirmed, on the steady clock. */
export type Confirmations = Readonly<Record<string, number>>

export function evaluateWaves(
  row: WaveSequence,
  self: string,
  news: ReadonlyMap<string, DeviceStatus>,
  now: Now,
  before: Confirmations,
): { decision: Decision; confirmations: Record<string, number> } {
  const own = row.waves.findIndex(({ devices }) => devices.includes(self))
  const wave = row.waves[own]
  if (wave === undefined) throw new RangeError(`expected ${self} in one of the waves`)
  const { number } = wave
  const confirmations: Record<string, number> = {}
  if (own < row.promoted) return { decision: { is: 'open', wave: number, reason: 'promoted' }, confirmations }

  // The last promoted wave must confirm as any other; failures in those before it are ignored.
  const first = Math.max(0, row.promoted - 1)
  let waiting: Decision | undefined
  for (const each of row.waves.slice(first, own + 1)) {
    const count = countOf(each, row.waves, news)
    if (count.failures.length > each.failures) {
      const reason = `wave ${each.number} has ${failedOf(count.failures.length, each)}: ${namesInWords(count.failures)}`
      const decision: Decision = { is: 'held', wave: number, by: count.progress, failures: count.failures, reason }
      return { decision, confirmations }
    }
    if (each === wave) continue
    if (each.unknown !== undefined) {
      const reason = `wave ${each.number} has devices that are not known here yet: ${each.unknown.length} of its shards did not come`
      waiting ??= { is: 'waiting', wave: number, waitsFor: count.progress, reason }
      continue
    }
    if (each.devices.length === 0) continue
    const key = `${row.key}${each.number}`
    const { progress } = count
    const missing = progress.of - progress.confirmed - progress.failed
    if (progress.confirmed === 0 || missing > each.absent) {
      const failed = progress.failed === 0 ? '' : `, ${progress.failed} failed`
      const reason = `wave ${each.number} has ${progress.confirmed} of ${progress.of} confirmed${failed}`
      waiting ??= { is: 'waiting', wave: number, waitsFor: progress, reason }
      continue
    }
    confirmations[key] = before[key] ?? now.steady
    const left = each.soakSeconds * 1000 - soaked(each, news, now, confirmations[key], row.created)
    if (left > 0) {
      const reason = `wave ${each.number} has ${progress.confirmed} of ${progress.of} confirmed, soak ends in ${inWords(left)}`
      waiting ??= { is: 'waiting', wave: number, waitsFor: progress, milliseconds: left, reason }
    }
  }
  const open: Decision = {
    is: 'open',
    wave: number,
    reason: own === 0 ? 'the first wave' : 'the waves before have confirmed',
  }
  return { decision: waiting ?? open, confirmations }
}

function countOf(
  wave: Wave,
  all: readonly Wave[],
  news: ReadonlyMap<string, DeviceStatus>,
): { progress: Progress; failures: string[] } {
  const outcome = (name: string) => news.get(name)?.outcome
  const { unknown = [] } = wave
  // A name that is known to be in another wave may lie between those of a shard that isn't here.
  const known = new Set(unknown.length > 0 ? all.flatMap(({ devices }) => devices) : [])
  const others = [...(unknown.length > 0 ? news.keys() : [])].filter(
    name => outcome(name) === 'failed' && !known.has(name) && unknown.some(shard => covers(shard, name)),
  )
  const failures = [...wave.devices.filter(name => outcome(name) === 'failed'), ...others].sort()
  const confirmed = wave.devices.filter(name => outcome(name) === 'confirmed').length
  return { progress: { wave: wave.number, confirmed, failed: failures.length, of: sizeOf(wave) }, failures }
}

/**
 * How long a wave has been confirmed, in milliseconds: the longest provable time. Our own observation needs no clock.
 * A live clock covers the time before the reports came, and a device's own clock the time that it has been healthy.
 */
function soaked(wave: Wave, news: ReadonlyMap<string, DeviceStatus>, now: Now, seen: number, created: Date): number {
  const watched = now.steady - seen
  const confirmed = wave.devices.map(name => news.get(name)).filter(each => each?.outcome === 'confirmed')
  // A device that ran this content before can only have been observed since the release was made.
  const starts = confirmed.map(each => each?.since && Math.max(each.since.getTime(), created.getTime()))
  const byClock = now.clock ? least(starts.map(start => start && (now.clock?.getTime() ?? 0) - start)) : 0
  const bySelf = least(
    confirmed.map((each, at) => each?.at && each.at.getTime() - (starts[at] ?? Number.POSITIVE_INFINITY)),
  )
  return Math.max(watched, byClock, bySelf)
}

/** The smallest value, or 0 if one is missing. */
function least(values: readonly (number | undefined)[]): number {
  return Math.max(
    0,
    values.reduce<number>((least, value) => Math.min(least, value ?? 0), Number.POSITIVE_INFINITY),
  )
}

function sizeOf({ devices, unknown = [] }: Wave): number {
  return unknown.reduce((sum, shard) => sum + shard.devices, devices.length)
}

function failedOf(failed: number, wave: Wave): string {
  const { failures } = wave
  const tolerated = failures === 0 ? '' : ` and tolerates ${failures}`
  return `${failed} of ${sizeOf(wave)} failed${tolerated}`
}
