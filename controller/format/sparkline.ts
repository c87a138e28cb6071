/** A row of numbers as a line of bars, one character each. */

const bars = '▁▂▃▄▅▆▇█'

export interface SparklineInit {
  /** How many characters. */
  readonly width: number
  /** What the lowest and the highest bar mean; by default the lowest and the highest value. */
  readonly range?: readonly [low: number, high: number] | undefined
}

/** Each character is the mean of its share of the values, or one of few values is drawn several times; a gap is a space. */
export function sparkline(values: readonly (number | null)[], { width, range }: SparklineInit): string {
  const columns = values.length === 0 ? 0 : width
  const means = Array.from({ length: columns }, (_, column) => {
    const first = Math.floor((column * values.length) / columns)
    const share = values.slice(first, Math.max(first + 1, Math.floor(((column + 1) * values.length) / columns)))
    const known = share.filter(value => value !== null)
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
  })
  const known = means.filter(value => value !== undefined)
  const [low, high] = range ?? [Math.min(...known), Math.max(...known)]
  return means
    .map(value => {
      if (value === undefined) return ' '
      const share = high > low ? (value - low) / (high - low) : 0
      return bars[Math.min(bars.length - 1, Math.max(0, Math.floor(share * bars.length)))]
    })
    .join('')
}
