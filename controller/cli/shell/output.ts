/** A command's output: results on standard output, progress on standard error, errors with a hint, exit codes. */

import { type ErrorJson, errorJson } from '../../format/error-json.ts'
import { writeJson, writeText } from '../../format/terminal.ts'
import type { CommandWork, GlobalOptions } from './options.ts'

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

export function printError(options: Pick<GlobalOptions, 'json'>, error: ErrorJson): void {
  if (options.json) writeJson({ error })
  else writeText('stderr', `error: ${error.message}\n${error.hint}`)
}

/** Runs a command's work; what it throws becomes a message with a hint, and exit code 1. */
export async function run<Options extends Pick<GlobalOptions, 'json'>>(
  work: CommandWork<Options>,
  options: Options,
): Promise<number> {
  try {
    return (await work(options)) ?? exitCodes.done
  } catch (raw) {
    printError(options, errorJson(raw))
    if (process.env.THYMESH_DEBUG && raw instanceof Error) writeText('stderr', `${raw.stack}`)
    return exitCodes.failed
  }
}
