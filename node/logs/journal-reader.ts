/** Reads the machine's journal with journalctl; arguments are passed as a list, never through a shell. */

import { ThymeshError } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import type { LogRequest } from '../../protocol/messages/logs.ts'
import { runProgram } from '../process/run-program.ts'

/** A journal of gigabytes on a slow disk. */
const journalTimeoutMs = 30_000

export class JournalError extends ThymeshError<'no-journal'> {}

export type JournalQuery = Extract<LogRequest, { journal: unknown }>['journal']

/** Reads a journal; replaced in tests. */
export type JournalReader = (query: JournalQuery, signal?: AbortSignal) => Promise<string>

/**
 * Lines in the format of `journalctl -o short-iso`, reduced to the newest that fit an answer. Throws a JournalError.
 */
export const readJournal: JournalReader = async ({ unit, lines, since }, signal) => {
  const args = ['--no-pager', '--quiet', '--output=short-iso', `--lines=${lines}`]
  if (unit !== undefined) args.push(`--unit=${unit}`)
  if (since !== undefined) args.push(`--since=@${Date.parse(since) / 1000}`)
  const result = await runProgram('journalctl', args, {
    timeoutMs: journalTimeoutMs,
    lines: 5,
    ...(signal && { signal }),
  }).catch((thrown: unknown) => {
    throw new JournalError('no-journal', 'this device has no journal that can be read', { cause: thrown })
  })
  if (result.code !== 0) throw new JournalError('no-journal', `journalctl failed: ${result.errors.join(' ')}`)
  return newest(result.stdout, limits.logBytes)
}

/** The last complete lines of a text, at most `maxBytes` of them. */
export function newest(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  const end = bytes.subarray(bytes.length - maxBytes)
  const line = end.indexOf(0x0a)
  return end.subarray(line + 1).toString()
}
