/** Making join tokens: a grant by the members role, and the key that it delegates to. */

import { seal } from '../protocol/dsse.ts'
import { timeText } from '../protocol/fields.ts'
import { formatJoinToken, type Grant, grantKind } from '../protocol/join-token.ts'
import { newSeed, type Signer, signerOf } from '../protocol/keys.ts'

export interface TokenOptions {
  fleet: string
  /** Device names that the token covers; one `*` stands for any part. */
  names: string
  site?: string
  /** Days for which the token can be used. */
  days: number
  /** Days for which the certificates hold that it issues. */
  certificateDays: number
  bootstrap: string[]
}

const dayMs = 86_400_000

export function makeJoinToken(options: TokenOptions, members: Signer, now: Date): { token: string; grant: Grant } {
  const seed = newSeed()
  const grant: Grant = {
    v: 1,
    fleet: options.fleet,
    key: signerOf(seed).publicKey,
    names: options.names,
    role: 'device',
    ...(options.site !== undefined && { site: options.site }),
    issued: timeText(now),
    expires: timeText(new Date(now.getTime() + options.days * dayMs)),
    certificateDays: options.certificateDays,
  }
  const token = formatJoinToken({
    v: 1,
    fleet: options.fleet,
    grant: seal(grantKind, grant, members),
    seed,
    bootstrap: options.bootstrap,
  })
  return { token, grant }
}
