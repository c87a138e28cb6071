/** nix32, the base-32 text in which Nix writes hashes: its own alphabet, most significant digit first, no padding. */
import { NixFormatError } from './format-error.ts'

/** Nix leaves out e, o, u and t, so that no hash spells a word (`libutil/hash.cc`). */
export const nix32Alphabet = '0123456789abcdfghijklmnpqrsvwxyz'

const digitOfCharCode = new Int8Array(128).fill(-1)
for (let digit = 0; digit < nix32Alphabet.length; digit++) digitOfCharCode[nix32Alphabet.charCodeAt(digit)] = digit

/** How many nix32 characters `byteLength` bytes take: 20 → 32, 32 → 52. */
export function nix32Length(byteLength: number): number {
  return Math.ceil((byteLength * 8) / 5)
}

/** Writes bytes as nix32: the bytes are one little-endian number, its digits come most significant first. */
export function encodeNix32(bytes: Uint8Array): string {
  let text = ''
  for (let digit = nix32Length(bytes.length) - 1; digit >= 0; digit--) {
    const bit = digit * 5
    const index = bit >> 3
    const shift = bit & 7
    const low = (bytes[index] ?? 0) >> shift
    const high = (bytes[index + 1] ?? 0) << (8 - shift)
    text += nix32Alphabet[(low | high) & 31]
  }
  return text
}

/**
 * Reads nix32 back into bytes.
 *
 * @throws NixFormatError `nix32-invalid` for a foreign character, or for bits that no whole number of bytes has.
 */
export function decodeNix32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  for (let digit = 0; digit < text.length; digit++) {
    const value = digitOfCharCode[text.charCodeAt(text.length - 1 - digit)] ?? -1
    if (value < 0) throw invalid(text, 'it has a character that nix32 does not use')
    const bit = digit * 5
    const index = bit >> 3
    const shift = bit & 7
    const carry = value >> (8 - shift)
    if (index < bytes.length) bytes[index] = ((bytes[index] ?? 0) | (value << shift)) & 0xff
    else if (value !== 0) throw invalid(text, 'it has bits beyond its last byte')
    if (index + 1 < bytes.length) bytes[index + 1] = (bytes[index + 1] ?? 0) | carry
    else if (carry !== 0) throw invalid(text, 'it has bits beyond its last byte')
  }
  if (nix32Length(bytes.length) !== text.length) throw invalid(text, 'no number of bytes has that length')
  return bytes
}

function invalid(text: string, reason: string): NixFormatError {
  return new NixFormatError('nix32-invalid', `Expected nix32, got '${text.slice(0, 80)}': ${reason}`)
}
