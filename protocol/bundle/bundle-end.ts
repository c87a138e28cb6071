/** The last file of a bundle: it says that the bundle is complete, and the hash of all before. */

import { hashLength } from '../encoding/hash.ts'
import { BundleError } from './bundle-error.ts'

export const bundleEndBytes = hashLength + 8

/** What precedes the header of the last file. */
export interface BundleEnd {
  readonly hash: Uint8Array
  readonly bytes: number
}

export function encodeBundleEnd({ hash, bytes }: BundleEnd): Uint8Array {
  const encoded = Buffer.alloc(bundleEndBytes)
  encoded.set(hash)
  encoded.writeBigUInt64BE(BigInt(bytes), hashLength)
  return encoded
}

/** Throws a BundleError unless it names the number of bytes that precede it; the hash is the caller's to check. */
export function decodeBundleEnd(encoded: Uint8Array, precedingBytes: number): BundleEnd {
  const view = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length)
  const bytes = encoded.length === bundleEndBytes ? view.readBigUInt64BE(hashLength) : -1n
  if (bytes !== BigInt(precedingBytes)) {
    throw BundleError.malformed(`expected an end after ${precedingBytes} bytes, got one after ${bytes}`)
  }
  return { hash: encoded.subarray(0, hashLength), bytes: precedingBytes }
}
