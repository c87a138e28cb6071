/** Calendar events by the rules of systemd.time(7): what systemd refuses would never run. */

import { isTimeZone } from './schemas.ts'

const shorthand = /^(?:minutely|hourly|daily|weekly|monthly|quarterly|(?:bi|semi)-?annually|annually|anually|yearly)$/i
const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const day = '(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)'
const weekdays = new RegExp(`^(?:${day}(?:(?:\\.\\.|-)${day})?)(?:,${day}(?:(?:\\.\\.|-)${day})?)*,?$`, 'i')
const part = '[0-9*.,/]+'
const date = new RegExp(`^(?:(${part})-)?(${part})([-~])(${part})$`)
const time = new RegExp(`^(${part}):(${part})(?::(${part}))?$`)
const component = /^(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?(?:\/(\d+(?:\.\d+)?))?$/

/** Microseconds of a second. */
const second = 1_000_000
/** systemd counts years in this range, after those of two digits have become of 1970 to 2069. */
const years = { from: 1970, to: 2199 }
/** The end of those, in seconds. */
const lastSecond = Date.UTC(years.to + 1, 0) / 1000 - 1
/** The last days of a month are counted for the shortest one. */
const shortest = 3

/** Whether systemd takes a text as a calendar event: weekdays, a date, a time and a time zone, all but one optional. */
export function isCalendar(text: string): boolean {
  const tokens = text.trim().split(/\s+/)
  if (tokens.length > 1 && isZone(tokens.at(-1) ?? '')) {
    tokens.pop()
    // Before it, systemd takes one space.
    if (/\s\s\S+$/.test(text.trim())) return false
  }
  const [first = ''] = tokens
  if (
    tokens.length === 1 &&
    (shorthand.test(first) || (/^@\d+$/.test(first) && Number(first.slice(1)) <= lastSecond))
  ) {
    return true
  }
  const kinds = [areWeekdays, isDate, isTime]
  // In this order, each once at most.
  let next = 0
  for (const token of tokens) {
    while (next < kinds.length && kinds[next]?.(token) !== true) next++
    if (next++ >= kinds.length) return false
  }
  return true
}

/** A zone by its name, which is that of a file: systemd takes no offsets, and small letters for UTC only. */
function isZone(text: string): boolean {
  return /^(?:utc|[A-Z][^/]*(?:\/[A-Z][^/]*)*)$/.test(text) && isTimeZone(text)
}

function areWeekdays(token: string): boolean {
  if (!weekdays.test(token)) return false
  const ranges = token.split(',').filter(each => each !== '')
  return ranges.every(range => {
    const [first, last = first] = range.split(/\.\.|-/).map(each => dayNames.indexOf(each.slice(0, 3).toLowerCase()))
    return first !== undefined && last !== undefined && first <= last
  })
}

function isDate(token: string): boolean {
  const [, year, month, sign, days] = date.exec(token) ?? []
  if (month === undefined || days === undefined) return false
  return (
    (year === undefined || isChain(year, { ...years, ofYears: true })) &&
    isChain(month, { from: 1, to: 12 }) &&
    isChain(days, { from: 1, to: sign === '~' ? 31 - shortest : 31, fromEnd: sign === '~' })
  )
}

function isTime(token: string): boolean {
  const [, hours, minutes, seconds] = time.exec(token) ?? []
  if (hours === undefined || minutes === undefined) return false
  return (
    isChain(hours, { from: 0, to: 23 }) &&
    isChain(minutes, { from: 0, to: 59 }) &&
    (seconds === undefined || isChain(seconds, { from: 0, to: 60 * second - 1, unit: second }))
  )
}

interface Bounds {
  readonly from: number
  readonly to: number
  /** Fractions are counted by it; without it there are none. */
  readonly unit?: number
  /** The days are counted from the end of the month. */
  readonly fromEnd?: boolean
  readonly ofYears?: boolean
}

function isChain(text: string, bounds: Bounds): boolean {
  return text === '*' || text.split(',').every(each => isComponent(each, bounds))
}

/** `5`, `5..10`, `5/2`, `5..10/2`: each must fit at least once more after its start, if it repeats. */
function isComponent(text: string, { from, to, unit, fromEnd = false, ofYears = false }: Bounds): boolean {
  const found = component.exec(text)?.slice(1)
  if (found === undefined || (unit === undefined && /\.\d/.test(text.replace('..', '/')))) return false
  const [begin, end, every] = found.map(each =>
    each === undefined ? undefined : Math.round(Number(each) * (unit ?? 1)),
  )
  if (begin === undefined || every === 0) return false
  const start = ofYears ? wholeYear(begin) : begin
  let stop = end !== undefined && ofYears ? wholeYear(end) : end
  let repeat = every ?? (stop === undefined ? 0 : (unit ?? 1))
  if (stop !== undefined) {
    if (stop < start) return false
    stop -= (stop - start) % repeat
    // One value in it only: of whole numbers it is that value.
    if (stop === start && unit === undefined) {
      stop = undefined
      repeat = 0
    }
  }
  if (start < from || start > to || repeat > to - from) return false
  if (stop !== undefined) return stop <= to && start + repeat <= stop
  return fromEnd ? start - repeat >= from : start + repeat <= to
}

function wholeYear(year: number): number {
  if (year >= 100) return year
  return year < 70 ? 2000 + year : 1900 + year
}
