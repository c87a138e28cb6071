/** Join tokens: a delegated, expiring key that may issue device certificates within its limits. */

import { base64url } from 'multiformats/bases/base64'
import { z } from 'zod'
import { codec, FormatError } from './cbor.ts'
import { signedKind } from './dsse.ts'
import { bytesSchema, fleetIdSchema, formatVersion, nameSchema, roleSchema, timeSchema } from './fields.ts'
import { publicKeyLength, seedLength } from './keys.ts'
import { limits } from './limits.ts'

const namePatternSchema = z.string().regex(/^(?=.{1,63}$)[a-z0-9-]*\*?[a-z0-9-]*$/, {
  error: 'expected a device name in which one * may stand for any part, such as kiosk-*',
})

/** What the members role allows the token's key to do. */
const grantSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  key: bytesSchema(publicKeyLength),
  names: namePatternSchema,
  role: roleSchema,
  site: nameSchema.optional(),
  issued: timeSchema,
  expires: timeSchema,
  /** How long the certificates may last that the token issues. */
  certificateDays: z.int().min(1).max(3650),
})
export type Grant = z.infer<typeof grantSchema>

export const grantKind = signedKind<Grant>('join grant', grantSchema)

/** What a new device is given: the grant, the key that it delegates to, and where the mesh may be found. */
const tokenSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  grant: bytesSchema(1, limits.envelope / 2),
  seed: bytesSchema(seedLength),
  bootstrap: z.array(z.string().max(200)).max(16),
})
export type JoinToken = z.infer<typeof tokenSchema>

const tokenCodec = codec<JoinToken>('join token', limits.envelope, tokenSchema)
const prefix = 'thymesh-join-1.'
const maxTextLength = prefix.length + Math.ceil((limits.envelope * 4) / 3)

/** The token as one line of text. It holds a private key: whoever reads it can join within its limits. */
export function formatJoinToken(token: JoinToken): string {
  return prefix + base64url.baseEncode(tokenCodec.encode(token))
}

/** Reads a token's text; throws a FormatError when it is none. */
export function parseJoinToken(text: string): JoinToken {
  const trimmed = text.trim()
  if (!trimmed.startsWith(prefix)) {
    throw new FormatError(
      'malformed',
      `expected a join token (${prefix}…), got ${JSON.stringify(trimmed.slice(0, 20))}`,
    )
  }
  if (trimmed.length > maxTextLength) {
    throw new FormatError('too-large', `expected a join token of at most ${maxTextLength} characters`)
  }
  let bytes: Uint8Array
  try {
    bytes = base64url.baseDecode(trimmed.slice(prefix.length))
  } catch (cause) {
    throw new FormatError('malformed', 'expected a join token, got one that is cut off or mistyped', { cause })
  }
  return tokenCodec.decode(bytes)
}

/** Whether a grant's name pattern covers a device's name. */
export function nameMatches(pattern: string, name: string): boolean {
  const [head = '', tail] = pattern.split('*')
  if (tail === undefined) return name === head
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail)
}
