/** Values in even steps of time as lines: broken where nothing was measured, and no finer than the screen. */

export type Values = readonly (number | null)[]

/** The lowest and highest known value; nothing where there is none. */
export function extentOf(...lists: readonly Values[]): readonly [number, number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const values of lists) {
    for (const value of values) {
      if (value === null) continue
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  return low > high ? undefined : [low, high]
}

/** At most `most` values, each of its share of the list; null where all of a share are. */
export function thinned(values: Values, most: number, join: 'average' | 'min' | 'max'): Values {
  if (values.length <= most) return values
  return Array.from({ length: most }, (_, at) => {
    const from = Math.floor((at * values.length) / most)
    const part = values.slice(from, Math.floor(((at + 1) * values.length) / most)).filter(each => each !== null)
    if (part.length === 0) return null
    if (join === 'min') return Math.min(...part)
    if (join === 'max') return Math.max(...part)
    return part.reduce((sum, each) => sum + each, 0) / part.length
  })
}

/** The path of a line through the known values; a lone one is a short dash. */
export function linePath(values: Values, x: (at: number) => number, y: (value: number) => number): string {
  let path = ''
  let drawing = false
  values.forEach((value, at) => {
    if (value === null) {
      drawing = false
      return
    }
    const alone = !drawing && (values[at + 1] ?? null) === null
    path += `${drawing ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}${alone ? 'h1.5' : ''}`
    drawing = true
  })
  return path
}

/** The area between two lines, in pieces where nothing was measured. */
export function bandPath(low: Values, high: Values, x: (at: number) => number, y: (value: number) => number): string {
  let path = ''
  let from = 0
  const close = (to: number) => {
    if (to - from < 2) return
    const at = (index: number, list: Values) => `${x(index).toFixed(1)} ${y(list[index] ?? 0).toFixed(1)}`
    const there = Array.from({ length: to - from }, (_, step) => at(from + step, high))
    const back = Array.from({ length: to - from }, (_, step) => at(to - 1 - step, low))
    path += `M${[...there, ...back].join('L')}Z`
  }
  high.forEach((value, at) => {
    if (value !== null && (low[at] ?? null) !== null) return
    close(at)
    from = at + 1
  })
  close(high.length)
  return path
}
