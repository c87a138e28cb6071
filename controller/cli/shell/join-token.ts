/** A join token as commands take it: the text itself, a file with it, or standard input. */

import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { exists } from '../../../node/files/missing.ts'
import { parseJoinToken } from '../../../protocol/members/join-token.ts'

/** Checked here, so that a typing error is found at once. Without an argument, or with `-`, standard input is read. */
export async function readToken(argument = '-'): Promise<string> {
  const text = argument === '-' ? await readStream(process.stdin) : await fileOrText(argument)
  parseJoinToken(text)
  return text.trim()
}

async function fileOrText(argument: string): Promise<string> {
  return (await exists(argument)) ? await readFile(argument, 'utf8') : argument
}
