/** Join tokens: a delegated key with an expiry that may issue device certificates within its limits. */

import { base64url } from 'multiformats/bases/base64'
import { z } from 'zod'
import { codec, FormatError } from '../encoding/cbor.ts'
import { bytesSchema, fleetIdSchema, formatVersion, nameSchema, roleSchema, timeSchema } from '../encoding/fields.ts'
import { equalBytes, sha256, sha256Hex } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { readEnvelope, signedKind } from '../signing/dsse.ts'
import { publicKeyLength, seedLength } from '../signing/keys.ts'

const namePatternSchema = z.string().regex(/^(?=.{1,63}$)[a-z0-9-]*\*?[a-z0-9-]*$/, {
  error: 'expected a device name in which one * may stand for any part, such as kiosk-*',
})

/** The rights that the members role delegates to the token's key. */
const grantSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  key: bytesSchema(publicKeyLength),
  names: namePatternSchema,
  role: roleSchema,
  site: nameSchema.optional(),
  issued: timeSchema,
  expires: timeSchema,
  /** The lifetime of the certificates that the token issues, until a controller countersigns them. */
  certificateDays: z.int().min(1).max(3650),
  /** The lifetime of the certificates after a controller has countersigned them. */
  memberDays: z.int().min(1).max(3650).optional(),
  /**
   * How many devices controllers countersign. Certificates issued offline can't be counted, so they have no limit
   * before.
   */
  uses: z.int().min(1).max(limits.members).optional(),
})
export type Grant = z.infer<typeof grantSchema>

export const grantKind = signedKind<Grant>('join grant', grantSchema)

/** A token's ID, used to list, count and revoke it. */
export function tokenIdOf(grant: Pick<Grant, 'key'>): string {
  return sha256Hex(grant.key).slice(0, 32)
}

/** The token's ID of a grant that was verified before. */
export function tokenIdOfGrant(grant: Uint8Array): string {
  return tokenIdOf(readEnvelope(grantKind, grant).document)
}

/** All that a new device needs: the grant, the key that it delegates to, and addresses of the mesh. */
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
/**
 * Bytes of the token's SHA-256 appended to it as a checksum: nothing else reveals a typing error inside a key or
 * signature.
 */
const checksumLength = 4
const maxTextLength = prefix.length + Math.ceil(((limits.envelope + checksumLength) * 4) / 3)

/** The token as one line of text. It contains a private key: anyone who reads it can join within its limits. */
export function formatJoinToken(token: JoinToken): string {
  const bytes = tokenCodec.encode(token)
  return prefix + base64url.baseEncode(Buffer.concat([bytes, checksum(bytes)]))
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, checksumLength)
}

/** Parses a token. Throws a FormatError if the text isn't one. */
export function parseJoinToken(text: string): JoinToken {
  const trimmed = text.trim()
  if (!trimmed.startsWith(prefix)) {
    throw new FormatError(
      'malformed',
      `expected a join token (${prefix}…), got ${JSON.stringify(trimmed.slice(0, 20))}`,
      { hint: '`thymesh token` makes one; a file that holds one can be named in its place.' },
    )
  }
  if (trimmed.length > maxTextLength) {
    throw new FormatError('too-large', `expected a join token of at most ${maxTextLength} characters`)
  }
  let all: Uint8Array
  try {
    all = base64url.baseDecode(trimmed.slice(prefix.length))
  } catch (cause) {
    throw mistyped(cause)
  }
  const bytes = all.subarray(0, -checksumLength)
  if (!equalBytes(all.subarray(-checksumLength), checksum(bytes))) throw mistyped()
  return tokenCodec.decode(bytes)
}

function mistyped(cause?: unknown): FormatError {
  return new FormatError('malformed', 'expected a join token, got one that is truncated or mistyped', {
    hint: 'Copy the whole line that `thymesh token` printed.',
    cause,
  })
}

/** Whether a device name matches a grant's name pattern. */
export function nameMatches(pattern: string, name: string): boolean {
  const [head = '', tail] = pattern.split('*')
  if (tail === undefined) return name === head
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail)
}
