/** Reads nix32: the inverse of what the program writes, which needs to read none. */

import { nix32Alphabet } from '../../protocol/nix/base32.ts'

/** Bytes of a nix32 text; throws a RangeError for a text that no bytes have. */
export function decodeNix32(text: string): Uint8Array {
  let value = 0n
  for (const character of text) {
    const digit = nix32Alphabet.indexOf(character)
    if (digit < 0) throw new RangeError(`expected nix32, got ${text}`)
    value = value * 32n + BigInt(digit)
  }
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  for (let at = 0; at < bytes.length; at++, value >>= 8n) bytes[at] = Number(value & 0xffn)
  if (value !== 0n) throw new RangeError(`expected nix32 of whole bytes, got ${text}`)
  return bytes
}
