/** Whether a figure stays the same: its readings over time, the slope through them, and the most that it may grow. */

/** A figure at a time, in milliseconds since the soak began. */
export interface Reading {
  readonly atMs: number
  readonly value: number
}

/** What a figure may do in the time that counts, and in which unit people read it. */
export interface Allowance {
  /** The most that it may grow, in the figure's own unit. It is the same for all lengths of time: longer soaks are stricter. */
  readonly growth: number
  /** How many of the figure's own unit are one of `unit`. */
  readonly per: number
  readonly unit: string
}

export interface Trend {
  /** Growth over all readings that count, by the slope. */
  readonly growth: number
  readonly perHour: number
  /** Readings after the warm-up: fewer than three show nothing, and are not flat. */
  readonly counted: number
  readonly flat: boolean
}

export const leastReadings = 3

/** The share of the time that doesn't count: a daemon fills its caches, and V8 compiles what is used. */
export const warmUpShare = 0.25
const hourMs = 3_600_000

/**
 * The slope by Theil and Sen: the median of the slopes between all pairs of readings. A few that are far off, such as one taken during an
 * import, don't change it.
 *
 * @returns change for each millisecond; 0 for less than two readings
 */
export function slopeOf(readings: readonly Reading[]): number {
  const slopes = readings.flatMap((one, index) =>
    readings
      .slice(index + 1)
      .flatMap(other => (other.atMs === one.atMs ? [] : [(other.value - one.value) / (other.atMs - one.atMs)])),
  )
  return slopes.length === 0 ? 0 : medianOf(slopes)
}

/** Whether readings are flat. */
export function trendOf(readings: readonly Reading[], allowance: Pick<Allowance, 'growth'>): Trend {
  const counted = afterWarmUp(readings)
  const slope = slopeOf(counted)
  const growth = slope * spanOf(counted)
  const flat = counted.length >= leastReadings && growth <= allowance.growth
  return { growth, perHour: slope * hourMs, counted: counted.length, flat }
}

/** The readings at a quarter of the time, at half of it, at three quarters and at its end: the nearest ones. */
export function quarters(readings: readonly Reading[]): readonly number[] {
  const [first, last] = [readings[0], readings.at(-1)]
  if (first === undefined || last === undefined) return []
  return [0.25, 0.5, 0.75, 1].map(share => {
    const atMs = first.atMs + share * (last.atMs - first.atMs)
    return readings.reduce((best, each) => (distance(each, atMs) < distance(best, atMs) ? each : best), first).value
  })
}

function afterWarmUp(readings: readonly Reading[]): readonly Reading[] {
  const first = readings[0]?.atMs ?? 0
  const from = first + warmUpShare * spanOf(readings)
  return readings.filter(({ atMs }) => atMs >= from)
}

function spanOf(readings: readonly Reading[]): number {
  return (readings.at(-1)?.atMs ?? 0) - (readings[0]?.atMs ?? 0)
}

function distance({ atMs }: Reading, wanted: number): number {
  return Math.abs(atMs - wanted)
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2
}
