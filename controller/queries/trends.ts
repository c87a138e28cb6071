/** What a device's history of metrics tells of the time to come: when the disk is full, and how often it restarts. */

import type { MetricsHistory, SeriesHistory } from '../../protocol/messages/metrics.ts'
import { askAll } from './ask-all.ts'

const daySeconds = 86_400
/** Less than this says nothing about weeks. */
const leastDays = 2
/** Growth in percent a day that is noise. */
const leastGrowth = 0.02
/** Nobody plans further ahead. */
const mostDays = 3650

/** Days until a percentage reaches 100, by the line through all its values; null if it doesn't rise, or too little is known. */
export function daysUntilFull(history: MetricsHistory, name: string): number | null {
  const { average = [] } = seriesOf(history, name) ?? {}
  const points = average.flatMap((value, at) =>
    value === null ? [] : [[(at * history.step) / daySeconds, value] as const],
  )
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || last[0] - first[0] < leastDays) return null
  const growth = slope(points)
  if (growth < leastGrowth) return null
  const days = Math.floor((100 - last[1]) / growth)
  return days > mostDays ? null : Math.max(0, days)
}

/** Percent a day, by least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  return under === 0 ? 0 : over / under
}

/** How often the uptime fell: at most once a step. Null if it was never measured. */
export function restartsIn(history: MetricsHistory): number | null {
  const { min = [], max = [] } = seriesOf(history, 'uptime') ?? {}
  let before: number | undefined
  let restarts = 0
  for (const [at, lowest] of min.entries()) {
    const highest = max[at]
    if (lowest === null || highest === null || highest === undefined) continue
    if (before !== undefined && lowest < before) restarts++
    // A step that has both sides of a restart ends with the uptime of after it.
    before = highest - lowest > history.step ? lowest : highest
  }
  return before === undefined ? null : restarts
}

function seriesOf({ series }: MetricsHistory, name: string): SeriesHistory | undefined {
  return series.find(each => each.name === name)
}

/** The history of one device, for both; null for a series that nobody could tell. */
export interface Trend {
  readonly diskFullDays: number | null
  readonly restarts: number | null
}

type Ask = (
  peer: string,
  request: { step: 900 | 7200; from: number; to: number; series: string[] },
  signal?: AbortSignal,
) => Promise<MetricsHistory>

/** Asks all of these devices; those that don't answer in time are missing. */
export async function trendsOf(
  peers: readonly string[],
  ask: Ask,
  { now = Date.now(), withinMs }: { now?: number; withinMs?: number } = {},
): Promise<Map<string, Trend>> {
  const to = Math.floor(now / 1000)
  const trendOf = async (peer: string, signal: AbortSignal): Promise<Trend> => {
    const disk = await ask(peer, { step: 7200, from: to - 14 * daySeconds, to, series: ['disk'] }, signal)
    const uptime = await ask(peer, { step: 900, from: to - 7 * daySeconds, to, series: ['uptime'] }, signal)
    return { diskFullDays: daysUntilFull(disk, 'disk'), restarts: restartsIn(uptime) }
  }
  return await askAll(peers, trendOf, withinMs)
}
