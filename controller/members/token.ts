/** Making join tokens: a grant by the members role, and the key that it delegates to. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { formatJoinToken, type Grant, grantKind } from '../../protocol/members/join-token.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { newSeed, type Signer, signerOf } from '../../protocol/signing/keys.ts'

export interface TokenOptions {
  fleet: string
  /** Device names that the token covers; one `*` stands for any part. */
  names: string
  /** `relay` for a peer that follows no release, such as a site operator's controller; `controller` for a viewer's. */
  role?: 'device' | 'relay' | 'controller'
  site?: string
  /** Days for which the token can be used. */
  days: number
  /** Days for which the certificates hold that it issues, until a controller countersigns them. */
  provisionalDays?: number
  /** Days for which they hold then. */
  certificateDays: number
  /** How many devices are countersigned. */
  uses?: number
  bootstrap: string[]
}

/** A site may see no controller for months; a leaked token lets nobody in for much longer. */
const provisionalDays = 180
const dayMs = 86_400_000

export interface MadeToken {
  readonly token: string
  readonly grant: Grant
  /** The grant as the members role signed it. */
  readonly envelope: Uint8Array
}

export function makeJoinToken(options: TokenOptions, members: readonly Signer[], now: Date): MadeToken {
  const seed = newSeed()
  const grant: Grant = {
    v: 1,
    fleet: options.fleet,
    key: signerOf(seed).publicKey,
    names: options.names,
    role: options.role ?? 'device',
    ...(options.site !== undefined && { site: options.site }),
    issued: timeText(now),
    expires: timeText(new Date(now.getTime() + options.days * dayMs)),
    certificateDays: options.provisionalDays ?? provisionalDays,
    memberDays: options.certificateDays,
    ...(options.uses !== undefined && { uses: options.uses }),
  }
  const envelope = signEnvelope(grantKind, grant, ...members)
  const token = formatJoinToken({
    v: 1,
    fleet: options.fleet,
    grant: envelope,
    seed,
    bootstrap: options.bootstrap,
  })
  return { token, grant, envelope }
}
