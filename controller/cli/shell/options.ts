/** Options that commands share, and how their texts are read. Light: the help and typing errors wait for this only. */

import { InvalidArgumentError, Option } from 'commander'
import type { LogLevel } from '../../../node/process/log.ts'
import { limits } from '../../../protocol/limits.ts'
import type { DeviceStatus } from '../../api/schemas/status.ts'

export interface GlobalOptions {
  json: boolean
  passphraseFile?: string
  log?: LogLevel
}

export interface ProjectOptions extends GlobalOptions {
  project: string
}

/** Options of the commands that only read, or that read before they act. */
export interface ReadOptions extends ProjectOptions {
  /** Seconds to wait for peers. */
  wait: number
}

/** Options of the commands that watch a release reach its devices. */
export interface WatchOptions extends ProjectOptions {
  message?: string
  wait: boolean
  waitFor: string[]
  timeout?: number
  /** Sign whatever this machine's clock says. */
  trustClock?: boolean
}

export type CommandWork<Options> = (options: Options) => Promise<number | undefined>

/** node/process/log.ts has the same list, but loads the logger as well. */
const logLevels: Record<LogLevel, true> = {
  fatal: true,
  error: true,
  warn: true,
  info: true,
  debug: true,
  trace: true,
  silent: true,
}
export const logLevelNames = Object.keys(logLevels)

export function version(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Expected a whole number from 1.')
  return value
}

export function port(text: string): number {
  const value = Number(text)
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value
  throw new InvalidArgumentError('Expected a port, 0 to 65535.')
}

/** Of a tag, as its schema has it. */
export function priority(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0 && value <= 1000) return value
  throw new InvalidArgumentError('Expected a whole number, 0 to 1000.')
}

/** A person's text, as long as what it goes into allows: found out before anything is built or waited for. */
function textOf(most: number): (text: string) => string {
  return text => {
    if (text.length <= most) return text
    throw new InvalidArgumentError(`Expected at most ${most} characters, got ${text.length}.`)
  }
}
export const message = textOf(limits.message)
export const reason = textOf(limits.reason)

/** The bounds of a certificate's schema. */
const maxDays = 3650

export function days(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= maxDays) return value
  throw new InvalidArgumentError(`Expected whole days, 1 to ${maxDays}.`)
}

/** How many processes at a time. */
export function parallel(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 200) return value
  throw new InvalidArgumentError('Expected a whole number, 1 to 200.')
}

/** How many devices a token is for: no more than a fleet can have. */
export function uses(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value
  throw new InvalidArgumentError('Expected a whole number, 1 to 10000.')
}

export function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 86_400) return value
  throw new InvalidArgumentError('Expected seconds, 0 to 86400.')
}

const maxSpan = 365 * 86_400

const agoUnits: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 }

/** A size in MiB, such as 512M or 2G, of at least so many. */
export function megabytes(least: number): (text: string) => number {
  return text => {
    const [, count = '', unit] = /^(\d{1,6})(?:([MG])(?:iB)?)?$/.exec(text) ?? []
    const value = Number(count) * (unit === 'G' ? 1024 : 1)
    if (count !== '' && value >= least && value <= 1 << 20) return value
    throw new InvalidArgumentError(`Expected a size of at least ${least}M, such as 512M or 2G.`)
  }
}

/** A span of time in seconds, such as 30min, 2h or 3d. */
export function span(text: string): number {
  const [, count, word = ''] = /^(\d{1,6}) ?(s|m|min|h|d)$/.exec(text) ?? []
  const seconds = agoUnits[word]
  if (count !== undefined && seconds !== undefined && Number(count) * seconds <= maxSpan) return Number(count) * seconds
  throw new InvalidArgumentError('Expected a time such as 30min, 2h or 3d, at most 365d.')
}

/** A moment: a time, or how long ago, such as 30min, 2h or 3d. */
export function moment(text: string): Date {
  const [, count, word = ''] = /^(\d{1,6}) ?(s|m|min|h|d)$/.exec(text) ?? []
  const seconds = agoUnits[word]
  if (count !== undefined && seconds !== undefined) return new Date(Date.now() - Number(count) * seconds * 1000)
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN)
  if (!Number.isNaN(date.getTime())) return date
  throw new InvalidArgumentError(
    'Expected a time such as 2026-01-31T12:00:00Z, or how long ago, such as 30min, 2h or 3d.',
  )
}

/** When something ends: a time, or in how long, such as 8h or 30d. */
export function end(text: string): Date {
  const [, count, word = ''] = /^(\d{1,6}) ?(m|min|h|d)$/.exec(text) ?? []
  const seconds = agoUnits[word]
  const date = count === undefined ? new Date(text) : new Date(Date.now() + Number(count) * (seconds ?? 0) * 1000)
  if (!Number.isNaN(date.getTime()) && (count !== undefined || /^\d{4}-\d{2}-\d{2}/.test(text)) && date > new Date()) {
    return date
  }
  throw new InvalidArgumentError('Expected a time to come such as 2026-01-31T12:00:00Z, or in how long, such as 8h.')
}

/** How many times as fast: 0.1 to 100. */
export function speed(text: string): number {
  const value = Number(text)
  if (/^\d+(?:\.\d+)?$/.test(text) && value >= 0.1 && value <= 100) return value
  throw new InvalidArgumentError('expected a number from 0.1 to 100')
}

export function lines(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= limits.logLines) return value
  throw new InvalidArgumentError(`Expected a number of lines, 1 to ${limits.logLines}.`)
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}

/** controller/api/schemas/status.ts has the same list, but loads all schemas as well. */
const deviceStates: Record<DeviceStatus['state'], true> = {
  unseen: true,
  waiting: true,
  fetching: true,
  preflight: true,
  activating: true,
  testing: true,
  probing: true,
  confirming: true,
  held: true,
  committing: true,
  running: true,
  outdated: true,
  queued: true,
  'awaiting-reboot': true,
  'rolling-back': true,
  'rolled-back': true,
  failed: true,
}

export function deviceState(text: string, previous: string[]): string[] {
  if (Object.hasOwn(deviceStates, text)) return [...previous, text]
  throw new InvalidArgumentError(`Expected one of ${Object.keys(deviceStates).join(', ')}.`)
}

export function waitOption(defaultSeconds: number): Option {
  return new Option('--wait <seconds>', 'how long to wait for peers').argParser(seconds).default(defaultSeconds)
}

export function trustClockOption(): Option {
  return new Option('--trust-clock', "sign even if this machine's clock seems wrong").default(false)
}

/** Options of commands that run ssh. */
export const sshSetting = [
  '-o, --option <setting>',
  'a setting of ssh; repeat for more',
  collect,
  [] as string[],
] as const
export const sshIdentity = [
  '-i, --identity <file>',
  'a private key; repeat for more (default: as ssh finds them)',
  collect,
  [] as string[],
] as const
