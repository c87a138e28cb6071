/**
 * age's X25519 keys as text (https://age-encryption.org/v1, in BIP 173's Bech32), with Node's own curve. The age
 * package does the same, but would load its ciphers and curves into every daemon's memory, though few need them.
 */

import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { FormatError } from '../../protocol/encoding/cbor.ts'

const keyLength = 32
const identityPrefix = 'age-secret-key-'
const recipientPrefix = 'age'
/** The PKCS #8 prefix of an X25519 secret (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A new identity, `AGE-SECRET-KEY-1…`. */
export function newAgeIdentity(): string {
  return encode(identityPrefix, randomBytes(keyLength)).toUpperCase()
}

/** The recipient of an identity, `age1…`. Throws a FormatError if it isn't an X25519 identity. */
export function ageRecipientOf(identity: string): string {
  if (identity !== identity.toUpperCase()) throw new FormatError('malformed', 'expected an identity in capitals')
  const secret = decode(identityPrefix, identity.toLowerCase())
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, secret]), format: 'der', type: 'pkcs8' })
  return encode(recipientPrefix, createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-keyLength))
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const checksumLength = 6

function encode(prefix: string, bytes: Uint8Array): string {
  const words = regroup(bytes, 8, 5, true)
  const sum = checksum(prefix, [...words, ...Array<number>(checksumLength).fill(0)]) ^ 1
  const tail = Array.from({ length: checksumLength }, (_, at) => (sum >>> (5 * (checksumLength - 1 - at))) & 31)
  return `${prefix}1${[...words, ...tail].map(word => alphabet.charAt(word)).join('')}`
}

function decode(prefix: string, text: string): Uint8Array {
  const words = [...text.slice(prefix.length + 1)].map(letter => alphabet.indexOf(letter))
  if (!text.startsWith(`${prefix}1`) || words.includes(-1) || checksum(prefix, words) !== 1) {
    throw new FormatError('malformed', `expected ${prefix}1… with its checksum`)
  }
  const bytes = Uint8Array.from(regroup(words.slice(0, -checksumLength), 5, 8, false))
  if (bytes.length !== keyLength) {
    throw new FormatError('malformed', `expected a key of ${keyLength} bytes, got ${bytes.length}`)
  }
  return bytes
}

/**
 * Regroups bits: numbers of `from` bits into numbers of `to` bits. Padding is added or, when decoding, must be zeros.
 */
function regroup(numbers: Iterable<number>, from: number, to: number, pad: boolean): number[] {
  const out: number[] = []
  let [held, bits] = [0, 0]
  for (const number of numbers) {
    held = ((held << from) | number) & 0xfff
    bits += from
    while (bits >= to) {
      bits -= to
      out.push((held >>> bits) & ((1 << to) - 1))
    }
  }
  const rest = held & ((1 << bits) - 1)
  if (pad && bits > 0) out.push(rest << (to - bits))
  if (!pad && (bits >= from || rest !== 0)) throw new FormatError('malformed', 'expected padding of zeros')
  return out
}

/** BIP 173's checksum over the prefix and the words. */
function checksum(prefix: string, words: readonly number[]): number {
  const codes = [...prefix].map(letter => letter.charCodeAt(0))
  const expanded = [...codes.map(code => code >>> 5), 0, ...codes.map(code => code & 31), ...words]
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let sum = 1
  for (const value of expanded) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    for (const [bit, each] of generator.entries()) if ((top >>> bit) & 1) sum ^= each
  }
  return sum
}
