/** Round numbers and times for the axes of charts. */

/** Three to six values in even steps that hold the span; powers of ten times 1, 2 or 5. */
export function valueTicks(least: number, most: number): number[] {
  // What never changes is drawn above its ground.
  const [low, high] = most > least ? [least, most] : [Math.min(0, least), Math.max(1, most)]
  const rough = (high - low) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(each => each * power).find(each => each >= rough) ?? power * 10
  const first = Math.floor(low / step)
  const last = Math.max(first + 1, Math.ceil(high / step))
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)))
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const steps = [
  minute,
  5 * minute,
  10 * minute,
  30 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  7 * day,
  30 * day,
  90 * day,
]

export interface TimeTick {
  readonly at: number
  readonly text: string
}

/** At most `most` times in the browser's time zone, with what tells them apart. */
export function timeTicks(from: number, to: number, most: number, language: string): TimeTick[] {
  const step = steps.find(each => (to - from) / each <= most) ?? 365 * day
  // Days begin at the midnight of here, whatever the offset is.
  const offset = new Date(from).getTimezoneOffset() * minute
  const first = Math.ceil((from - offset) / step) * step + offset
  const form: Intl.DateTimeFormatOptions =
    step >= 30 * day
      ? { month: 'short', year: '2-digit' }
      : step >= day
        ? { day: 'numeric', month: 'short' }
        : { hour: '2-digit', minute: '2-digit' }
  const ticks: TimeTick[] = []
  for (let at = first; at <= to; at += step) ticks.push({ at, text: new Date(at).toLocaleString(language, form) })
  return ticks
}
