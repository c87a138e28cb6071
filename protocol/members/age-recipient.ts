/** Age recipients as age writes them: an X25519 public key in bech32, `age1…` (https://age-encryption.org/v1). */

import { bech32 } from '@scure/base'

/** Bytes of an X25519 public key. */
const keyBytes = 32

/**
 * Whether a text is an X25519 recipient that something can be encrypted to: lower case, with a good checksum, of 32 bytes. A
 * certificate may say anything that begins like one.
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
