/** A command's output: results on standard output, progress on standard error, errors with a hint, exit codes. */

import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { hintFor } from '../../format/hints.ts'
import { writeJson, writeText } from '../../format/terminal.ts'
import type { CommandWork, GlobalOptions } from './options.ts'
import { explained } from './system-error.ts'

/** Shown by `--help`, and kept: scripts depend on them. */
export const exitCodes = {
  done: 0,
  /** The command, or a device that it waited for, failed. */
  failed: 1,
  /** The time was over before all devices had ended with the release. */
  incomplete: 2,
  /** The command line is none: `EX_USAGE` of sysexits.h. */
  usage: 64,
} as const

/** Standard output: text for people, or the one JSON object. */
export function print(options: GlobalOptions, json: object, text: string): void {
  if (options.json) writeJson(json)
  else writeText('stdout', text)
}

/** News for a person who waits; not part of the result. */
export function note(options: GlobalOptions, text: string): void {
  if (!options.json) writeText('stderr', text)
}

/** An error as `--json` prints it. */
export interface ErrorJson {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export function printError(options: Pick<GlobalOptions, 'json'>, error: ErrorJson): void {
  if (options.json) writeJson({ error })
  else writeText('stderr', `error: ${error.message}\n${error.hint}`)
}

/** An error as operators see it: always with a hint. */
export function errorJson(thrown: unknown): ErrorJson {
  const message = messageOf(thrown)
  if (!(thrown instanceof ThymeshError)) return { code: 'failed', message, hint: unexpected }
  return { code: thrown.code, message, hint: thrown.hint ?? hintFor(thrown.code) ?? unexpected }
}

const unexpected = 'This is unexpected: set THYMESH_DEBUG=1 to see where it happened, and report it.'

/** Runs a command's work; what it throws becomes a message with a hint, and exit code 1. */
export async function run<Options extends Pick<GlobalOptions, 'json'>>(
  work: CommandWork<Options>,
  options: Options,
): Promise<number> {
  try {
    return (await work(options)) ?? exitCodes.done
  } catch (raw) {
    printError(options, errorJson(explained(raw)))
    if (process.env.THYMESH_DEBUG && raw instanceof Error) writeText('stderr', `${raw.stack}`)
    return exitCodes.failed
  }
}
