/** A key's fingerprint as people compare it: all of its digits, and twelve words for the telephone. */

import { entropyToMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { fromHex } from '../../protocol/encoding/hash.ts'

/** Bytes of the fingerprint that the words stand for: nobody finds a second key with the same 128 bits. */
const spokenBytes = 16

/** The first 128 bits of a key ID (SHA-256 in hex) as twelve words of BIP 39's English list, the last with a checksum. */
export function fingerprintWords(keyId: string): string {
  return entropyToMnemonic(fromHex(keyId).subarray(0, spokenBytes), wordlist)
}
