/** How numbers, sizes, times and names are written, in the page's language. */

import { language } from './language.svelte.ts'

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB']

/** Kept by language and use: to make a format takes a hundred times as long as to use it, and a table has some in each row. */
const formats = new Map<string, unknown>()

function kept<Format>(use: string, make: (locale: string) => Format): Format {
  const { locale } = language
  const key = `${locale} ${use}`
  const format = (formats.get(key) as Format | undefined) ?? make(locale)
  formats.set(key, format)
  return format
}

export function numberText(value: number, digits = 0): string {
  const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  return kept(`number ${digits}`, locale => new Intl.NumberFormat(locale, fixed)).format(value)
}

/** Powers of 1000, as the command line has them. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < byteUnits.length - 1) {
    value /= 1000
    unit++
  }
  return `${numberText(value, unit === 0 ? 0 : 1)} ${byteUnits[unit]}`
}

const spans: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

/** Such as "12 days ago"; less than ten seconds are "now". */
export function agoText(at: number, now: number): string {
  const seconds = (at - now) / 1000
  const style = { numeric: 'auto', style: 'short' } as const
  const format = kept('ago', locale => new Intl.RelativeTimeFormat(locale, style))
  if (Math.abs(seconds) < 10) return format.format(0, 'second')
  const [unit, length] = spans.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1]
  return format.format(Math.trunc(seconds / length), unit)
}

/** To the second, in the browser's time zone. */
export function exactText(at: number): string {
  return timeText(at, { dateStyle: 'medium', timeStyle: 'long' })
}

/** To the minute: for what is to come. */
export function momentText(at: number): string {
  return timeText(at, { dateStyle: 'medium', timeStyle: 'short' })
}

export function dateText(at: number): string {
  return timeText(at, { dateStyle: 'medium' })
}

function timeText(at: number, style: Intl.DateTimeFormatOptions): string {
  // A computer that travels: a format stays in the zone that it was made in.
  const zone = new Date().getTimezoneOffset()
  const format = kept(`time ${style.timeStyle} ${zone}`, locale => new Intl.DateTimeFormat(locale, style))
  return Number.isNaN(new Date(at).getTime()) ? '–' : format.format(at)
}

/** Such as "3 h 5 min". */
export function durationText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return language.current === 'de' ? `${Math.floor(hours / 24)} Tage` : `${Math.floor(hours / 24)} days`
}

/** A store path as a person tells them apart: seven characters of its hash, and its name. */
export function pathText(path: string | null): string {
  if (path === null) return '–'
  const base = path.slice(path.lastIndexOf('/') + 1)
  return `${base.slice(0, 7)}…${base.slice(32)}`
}

/** Sixteen digits in groups of four: fewer could be forged. */
export function idText(id: string): string {
  return (id.slice(0, 16).match(/.{1,4}/g) ?? []).join(' ')
}

/** A release by its site, as commands name it. */
export function releaseText(version: number, site: string | null): string {
  return site === null ? String(version) : `${site}/${version}`
}

/** Foreign text in one line with its control characters made visible; bounded, so that no row becomes a page. */
export function lineText(text: string, most = 2000): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text
  return visibleText(cut.replaceAll('\n', ' '))
}

/** The controls but tab and line end, what turns the direction of text, and what is not seen at all, such as a zero-width space in a name. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** What can not be seen, or changes what is seen, as symbols; line ends and tabs stay. */
export function visibleText(text: string): string {
  return text.replace(invisible, character => {
    if (character === '\n' || character === '\t') return character
    const code = character.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd'
  })
}
