/** Whether a row of waves lets a device of one of them begin: the one before has confirmed and soaked, none has failed. */

import type { Wave } from '../../protocol/release/waves.ts'
import type { Outcome } from '../../protocol/report/outcome.ts'
import { type Decision, inWords, namesInWords, type Progress } from './decision.ts'

/** What is known of one device of the release. */
export interface DeviceStatus {
  readonly outcome: Outcome
  /** Since when it has run the release, and when it said so last; both by its own clock. */
  readonly since?: Date
  readonly at?: Date
  /** When it was heard of last, on the steady clock; nothing when never. */
  readonly heardAt?: number
}

export interface Now {
  /** Milliseconds of a clock that never goes back, and stands while the device is off. */
  readonly steady: number
  /** What it showed when the daemon started. */
  readonly started?: number
  /** The time, where a live clock has it. */
  readonly clock?: Date
}

export interface WaveSequence {
  readonly waves: readonly Wave[]
  /** Says which waves are meant, in the memory. */
  readonly key: string
  /** So many waves are open whatever happened before them. */
  readonly promoted: number
  readonly created: Date
}

/** Since when, on the steady clock, each wave was seen to have confirmed. */
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

  // The last promoted wave has to prove itself as any other; those before it are forgiven.
  const first = Math.max(0, row.promoted - 1)
  let waiting: Decision | undefined
  for (const each of row.waves.slice(first, own + 1)) {
    const count = countOf(each, news)
    if (count.failures.length > each.failures) {
      const reason = `wave ${each.number} has ${failedOf(count.failures.length, each)}: ${namesInWords(count.failures)}`
      const decision: Decision = { is: 'held', wave: number, by: count.progress, failures: count.failures, reason }
      return { decision, confirmations }
    }
    if (each === wave || each.devices.length === 0) continue
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

function countOf(wave: Wave, news: ReadonlyMap<string, DeviceStatus>): { progress: Progress; failures: string[] } {
  const outcome = (name: string) => news.get(name)?.outcome
  const failures = wave.devices.filter(name => outcome(name) === 'failed').sort()
  const confirmed = wave.devices.filter(name => outcome(name) === 'confirmed').length
  return { progress: { wave: wave.number, confirmed, failed: failures.length, of: wave.devices.length }, failures }
}

/**
 * How long a wave has been confirmed, in milliseconds: the longest that anything proves. Our own watching needs no clock.
 * A live clock proves what happened before the news came; and a device's own clock how long it has been well itself.
 */
function soaked(wave: Wave, news: ReadonlyMap<string, DeviceStatus>, now: Now, seen: number, created: Date): number {
  const watched = now.steady - seen
  const confirmed = wave.devices.map(name => news.get(name)).filter(each => each?.outcome === 'confirmed')
  // Of a device that ran this already, nothing is known before the release was made.
  const starts = confirmed.map(each => each?.since && Math.max(each.since.getTime(), created.getTime()))
  const byClock = now.clock ? least(starts.map(start => start && (now.clock?.getTime() ?? 0) - start)) : 0
  const bySelf = least(
    confirmed.map((each, at) => each?.at && each.at.getTime() - (starts[at] ?? Number.POSITIVE_INFINITY)),
  )
  return Math.max(watched, byClock, bySelf)
}

/** The smallest, or 0 when one is missing. */
function least(values: readonly (number | undefined)[]): number {
  return Math.max(
    0,
    values.reduce<number>((least, value) => Math.min(least, value ?? 0), Number.POSITIVE_INFINITY),
  )
}

function failedOf(failed: number, { devices, failures }: Wave): string {
  const borne = failures === 0 ? '' : ` and bears ${failures}`
  return `${failed} of ${devices.length} failed${borne}`
}
