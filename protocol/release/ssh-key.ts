/** Public keys of OpenSSH: the kinds that may be granted access, their text, and their fingerprints. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { limits } from '../limits.ts'

/** Kinds of keys, with the fewest bytes that a key of it has. FIDO keys are those with `sk-`. */
const kinds: Readonly<Record<string, number>> = {
  'ssh-ed25519': 51,
  'ecdsa-sha2-nistp256': 104,
  'ecdsa-sha2-nistp384': 136,
  'ecdsa-sha2-nistp521': 172,
  'sk-ssh-ed25519@openssh.com': 74,
  'sk-ecdsa-sha2-nistp256@openssh.com': 127,
  // 2048 bits of modulus.
  'ssh-rsa': 279,
}

/** A key as `TYPE BASE64`, without options and comment. */
export const sshKeySchema = z
  .string()
  .max(limits.sshKey)
  .refine(text => problemOf(text) === undefined, {
    error: ({ input }) => problemOf(String(input)) ?? 'expected a public key of OpenSSH',
  })

/** What keeps a text from being a key that can be granted access. */
function problemOf(text: string): string | undefined {
  const [kind = '', encoded = '', ...rest] = text.split(' ')
  const least = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (rest.length > 0) return 'expected TYPE BASE64 without a comment'
  if (least === undefined) {
    return `expected a public key of OpenSSH, such as ssh-ed25519 or sk-ssh-ed25519@openssh.com, got ${kind.slice(0, 40)}`
  }
  const blob = Buffer.from(encoded, 'base64')
  if (blob.toString('base64') !== encoded) return 'expected a public key in base64'
  const name = Buffer.from(kind)
  const named = blob.length > name.length + 4 && blob.readUInt32BE(0) === name.length
  if (!named || !blob.subarray(4, 4 + name.length).equals(name)) return `expected a key of the type ${kind}`
  return blob.length < least
    ? `expected a whole ${kind} key${kind === 'ssh-rsa' ? ' of 2048 bits or more' : ''}`
    : undefined
}

/** A key's fingerprint, as OpenSSH prints it: `SHA256:…`. */
export function sshFingerprint(key: string): string {
  const blob = Buffer.from(key.split(' ')[1] ?? '', 'base64')
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/** The first key in a line of a `.pub` file or of `ssh-add -L`, without its comment. */
export function sshKeyIn(line: string): string {
  return line.trim().split(/\s+/).slice(0, 2).join(' ')
}
