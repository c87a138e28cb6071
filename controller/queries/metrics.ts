/** The answer of `thymesh metrics`: asked of the device, or taken from its last outbox where it is out of reach. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { HistoryRequest, MetricsHistory } from '../../protocol/messages/metrics.ts'
import { unitOf } from '../../protocol/metrics/series.ts'
import type { DeviceMetrics } from '../api/schemas/metrics.ts'
import { deviceNamed, ReachError, reach } from '../session/reach.ts'
import type { Session } from '../session/session.ts'

export interface MetricsOptions {
  /** The device's name. */
  readonly device: string
  /** The span; the last day by default. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** All series, if missing. */
  readonly series?: readonly string[] | undefined
  /** Seconds to try to reach the device. */
  readonly wait: number
}

const daySeconds = 86_400
/** The spans of the rings; a longer one is asked of the next ring. */
const minutesSeconds = daySeconds
const quartersSeconds = 28 * daySeconds

export async function queryMetrics({ peer }: Session, options: MetricsOptions): Promise<DeviceMetrics> {
  const device = deviceNamed(peer, options.device)
  const request = requestOf(options, Date.now() / 1000)
  const about = { device: options.device, peer: device.peer }
  try {
    await reach(peer, device, options.wait * 1000)
  } catch (thrown) {
    const carried = thrown instanceof ReachError ? await peer.carriedMetrics(device.peer, request) : undefined
    if (carried === undefined) throw thrown
    return { ...about, source: 'outbox', ...shown(carried) }
  }
  return { ...about, source: 'device', ...shown(await peer.neighbours.askForMetrics(device.peer, request)) }
}

function requestOf({ since, until, series }: MetricsOptions, now: number): HistoryRequest {
  const to = Math.floor(until === undefined ? now : secondsOf(until))
  const from = Math.floor(since === undefined ? to - daySeconds : secondsOf(since))
  if (from > to || from < 0) {
    throw new HintedError('not-understood', `expected a span of time, got one from ${since} to ${until ?? 'now'}`, {
      hint: 'Give an earlier time with --since, or a later one with --until.',
    })
  }
  // By its age: the ring of minutes has the last day only.
  const age = now - from
  const step = age <= minutesSeconds + 60 ? 60 : age <= quartersSeconds ? 900 : 7200
  return { step, from, to, ...(series && series.length > 0 && { series: [...series] }) }
}

function secondsOf(text: string): number {
  const seconds = Date.parse(text) / 1000
  if (!Number.isNaN(seconds)) return seconds
  throw new HintedError('not-understood', `expected a time such as 2026-01-31T12:00:00Z, got ${JSON.stringify(text)}`, {
    hint: 'Give the time in this form.',
  })
}

function shown({ step, from, series }: MetricsHistory): Pick<DeviceMetrics, 'from' | 'step' | 'series'> {
  const rows = series.map(({ name, average, min, max }) => ({
    ...{ name, unit: unitOf(name) ?? null },
    ...{ average: average.map(rounded), min: min.map(rounded), max: max.map(rounded) },
  }))
  return { step, from: timeText(new Date(from * 1000)), series: rows }
}

/** Four digits: what is measured has no more, and 32-bit floats show noise behind them. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}
