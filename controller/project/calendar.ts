/** Calendar events as systemd.time(7) writes them, checked for their form: what systemd refuses would never run. */

import { isTimeZone } from './schemas.ts'

const shorthand = /^(?:minutely|hourly|daily|weekly|monthly|quarterly|(?:bi|semi)-?annually|annually|anually|yearly)$/i
const day = '(?:mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)'
const weekdays = new RegExp(`^${day}(?:(?:\\.\\.|-|,)${day})*,?$`, 'i')
const part = '[0-9*.,/~]+'
const date = new RegExp(`^(?:${part}-)?${part}[-~]${part}$`)
const time = new RegExp(`^(${part}):(${part})(?::(${part}))?$`)
const timeBounds = [23, 59, 59] as const

/** Whether a text can be a calendar event; where this is in doubt it is left to systemd. */
export function isCalendar(text: string): boolean {
  const tokens = text.trim().split(/\s+/)
  if (tokens.length > 1 && isTimeZone(tokens.at(-1) ?? '')) tokens.pop()
  if (tokens.length === 1 && (shorthand.test(tokens[0] ?? '') || /^@\d+$/.test(tokens[0] ?? ''))) return true
  return tokens.length <= 3 && tokens.every(token => weekdays.test(token) || isDate(token) || isTime(token))
}

function isDate(token: string): boolean {
  if (!date.test(token)) return false
  const [days = '', months = ''] = token.split(/[-~]/).reverse()
  return within(days, 1, 31) && within(months, 1, 12)
}

function isTime(token: string): boolean {
  const parts = time.exec(token)?.slice(1) ?? []
  return parts.length > 0 && parts.every((each, at) => each === undefined || within(each, 0, timeBounds[at] ?? 59))
}

/** Whether the numbers of a part are in range; steps behind a slash may be any. */
function within(part: string, min: number, max: number): boolean {
  const starts = part.split(',').flatMap(each => (each.split('/')[0] ?? '').split('..'))
  return starts.every(
    each => each === '*' || (each !== '' && Math.floor(Number(each)) >= min && Number(each) < max + 1),
  )
}
