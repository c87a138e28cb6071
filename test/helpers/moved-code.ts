/** Two builds of a program: code of which parts have moved far, with addresses in it that all have changed. */

import { noise } from './planted-nar.ts'

/** Bytes between two addresses, as a call in code. */
const strideBytes = 64
const addressBytes = 4

export interface MovedCode {
  readonly before: Uint8Array
  readonly after: Uint8Array
  /** Old offset minus new one of what is at an offset of the new build. */
  readonly movedBytes: (offset: number) => number
}

/**
 * The new build begins with the second half of the old one, as when a linker orders sections anew. Every 64 bytes have another address in the
 * new build, so the two share no chunk.
 */
export function movedCode(word: string, { bytes }: { bytes: number }): MovedCode {
  const code = noise(word, bytes)
  const before = withAddresses(code, 1)
  const half = Math.floor(bytes / 2 / strideBytes) * strideBytes
  const after = withAddresses(Buffer.concat([code.subarray(half), code.subarray(0, half)]), 7)
  return { before, after, movedBytes: offset => (offset < bytes - half ? half : half - bytes) }
}

function withAddresses(code: Uint8Array, step: number): Uint8Array {
  const bytes = Buffer.from(code)
  for (let at = 0; at + addressBytes <= bytes.length; at += strideBytes) bytes.writeUInt32LE((at * step) >>> 0, at)
  return bytes
}
