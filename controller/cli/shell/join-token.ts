/** A join token as commands take it: the text itself, a file with it, or standard input. */

import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { exists } from '../../../node/files/missing.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { grantKind, nameMatches, parseJoinToken } from '../../../protocol/members/join-token.ts'
import { readEnvelope } from '../../../protocol/signing/dsse.ts'

/** Checked here, so that a typing error is found at once. Without an argument, or with `-`, standard input is read. */
export async function readToken(argument = '-'): Promise<string> {
  const text = argument === '-' ? await readStream(process.stdin) : await fileOrText(argument)
  parseJoinToken(text)
  return text.trim()
}

async function fileOrText(argument: string): Promise<string> {
  return (await exists(argument)) ? await readFile(argument, 'utf8') : argument
}

const tokenFor = { relay: '--relay', controller: '--viewer' } as const

/** Refuses a token with which a controller couldn't join, or would join as something else, before anything is written. */
export function requireToken(
  text: string,
  wanted: { option: string; fleet: string; name: string; role: keyof typeof tokenFor },
): void {
  const token = parseJoinToken(text)
  const { role, names, expires } = readEnvelope(grantKind, token.grant).document
  const hint = `Ask an operator of the fleet for a token: thymesh token ${tokenFor[wanted.role]} --names ${wanted.name}`
  const refused = (code: string, message: string) => new HintedError(code, `${wanted.option}: ${message}`, { hint })
  if (token.fleet !== wanted.fleet) {
    const [own, other] = [wanted.fleet.slice(0, 12), token.fleet.slice(0, 12)]
    throw refused('malformed', `expected a token for the fleet ${own}, got one for the fleet ${other}`)
  }
  if (role !== wanted.role) throw refused('beyond-grant', `expected a token for ${wanted.role}s, got one for ${role}s`)
  if (!nameMatches(names, wanted.name))
    throw refused('beyond-grant', `expected a token for the name ${wanted.name}, got one for ${names}`)
  if (Date.parse(expires) <= Date.now()) throw refused('expired', `the token expired on ${expires}`)
}
