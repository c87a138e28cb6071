/** SHA-256, the hash of TUF, Nix and CIDs, and hex encoding. */

import { createHash, hash, timingSafeEqual } from 'node:crypto'

export const hashLength = 32

/** SHA-256 of some bytes: 32 bytes. */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  const [only] = parts
  // Without an object of its own, which takes an eighth longer for a chunk.
  if (only !== undefined && parts.length === 1) return new Uint8Array(hash('sha256', only, 'buffer'))
  const all = createHash('sha256')
  for (const part of parts) all.update(part)
  return new Uint8Array(all.digest())
}

/** SHA-256 in lowercase hex (64 characters), as TUF writes it. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** SHA-512 in lowercase hex; only for foreign TUF repositories that use it. */
export function sha512Hex(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex')
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Decodes lowercase hex. Throws a RangeError for any other text. */
export function fromHex(hex: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new RangeError(`expected lowercase hex, got ${JSON.stringify(hex)}`)
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
