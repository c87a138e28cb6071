/** age recipients: an X25519 public key in bech32, `age1…` (https://age-encryption.org/v1). */

import { bech32 } from '@scure/base'

/** The length of an X25519 public key. */
const keyBytes = 32

/**
 * Whether a text is a valid X25519 recipient: lower case, with a correct checksum and 32 bytes. Certificates only
 * guarantee the prefix.
 */
export function isAgeRecipient(text: string): boolean {
  if (!text.startsWith('age1') || text !== text.toLowerCase()) return false
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`)
    return prefix === 'age' && bech32.fromWords(words).length === keyBytes
  } catch {
    return false
  }
}
