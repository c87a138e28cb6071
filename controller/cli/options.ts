/** Options that commands share, and how their texts are read. Light: the help and typing errors wait for this only. */

import { InvalidArgumentError } from 'commander'
import type { LogLevel } from '../../node/log.ts'

export interface GlobalOptions {
  json: boolean
  passphraseFile?: string
  log?: LogLevel
}

export interface ProjectOptions extends GlobalOptions {
  project: string
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

/** node/log.ts has the same list, but loads the logger as well. */
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

/** What a certificate's schema allows. */
const maxDays = 3650

export function days(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= maxDays) return value
  throw new InvalidArgumentError(`Expected whole days, 1 to ${maxDays}.`)
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

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}
