/** nix32, Nix's base-32 encoding of hashes: its own alphabet, most significant digit first, no padding. */

/** Nix omits e, o, u and t, so that no hash spells a word (`libutil/hash.cc`). */
export const nix32Alphabet = '0123456789abcdfghijklmnpqrsvwxyz'

/** The number of nix32 characters for `byteLength` bytes: 20 → 32, 32 → 52. */
export function nix32Length(byteLength: number): number {
  return Math.ceil((byteLength * 8) / 5)
}

/** Encodes bytes as nix32: the bytes are one little-endian number, written with the most significant digit first. */
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
