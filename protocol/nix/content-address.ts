/**
 * Content addresses: Nix takes a path without a trusted key where its name follows from its content. Descriptors don't
 * carry them, since they follow from what descriptors have: the recipient derives an address, and it is right exactly
 * where it makes the path's own hash.
 */

import { sha256, toHex } from '../encoding/hash.ts'
import { encodeNix32 } from './base32.ts'
import type { SignedPathInfo } from './signature.ts'
import { hashPartLength, parseStorePath, storeDir } from './store-path.ts'

/** Bytes of a store path's hash. */
const compressedBytes = (hashPartLength * 5) / 8

/** The NAR of a regular file that isn't executable, up to the file's length. */
export const fileNarHeader = Buffer.concat(['nix-archive-1', '(', 'type', 'regular', 'contents'].map(narString))
const fileNarTrailer = narString(')')

/**
 * The address of a path that Nix has copied from a folder or a file (`fixed:r:sha256:…`, as of sources); nothing when
 * the path is not of that kind. One that refers to itself is not looked into.
 */
export function treeAddress({ path, narHash, references }: SignedPathInfo): string | undefined {
  if (references.includes(path)) return undefined
  const made = madePath(['source', ...references.toSorted()].join(':'), narHash, path)
  return made === path ? `fixed:r:sha256:${encodeNix32(narHash)}` : undefined
}

/**
 * The address of a path whose name follows from the bytes of one file: a text (`text:sha256:…`, as of `toFile`) or a
 * download (`fixed:sha256:…`); nothing when the NAR is of another kind, or the name follows from something else.
 */
export function fileAddress({ path, references }: SignedPathInfo, nar: Buffer): string | undefined {
  const content = contentOfFile(nar)
  if (content === undefined) return undefined
  const hash = sha256(content)
  const text = ['text', ...references.toSorted()].join(':')
  if (madePath(text, hash, path) === path) return `text:sha256:${encodeNix32(hash)}`
  const outer = sha256(Buffer.from(`fixed:out:sha256:${toHex(hash)}:`))
  const isDownload = references.length === 0 && madePath('output:out', outer, path) === path
  return isDownload ? `fixed:sha256:${encodeNix32(hash)}` : undefined
}

/** The store path of a type, a hash and another path's name (`StoreDirConfig::makeStorePath`). */
function madePath(type: string, hash: Uint8Array, named: string): string {
  const { name } = parseStorePath(named)
  const whole = sha256(Buffer.from(`${type}:sha256:${toHex(hash)}:${storeDir}:${name}`))
  const compressed = new Uint8Array(compressedBytes)
  for (const [i, byte] of whole.entries())
    compressed[i % compressedBytes] = (compressed[i % compressedBytes] ?? 0) ^ byte
  return `${storeDir}/${encodeNix32(compressed)}-${name}`
}

/** The bytes of the one file that a NAR holds; nothing for anything else. */
function contentOfFile(nar: Buffer): Buffer | undefined {
  const start = fileNarHeader.length + 8
  if (nar.length < start || !nar.subarray(0, fileNarHeader.length).equals(fileNarHeader)) return undefined
  const length = Number(nar.readBigUInt64LE(fileNarHeader.length))
  const end = start + Math.ceil(length / 8) * 8
  return nar.subarray(end).equals(fileNarTrailer) ? nar.subarray(start, start + length) : undefined
}

/** A string as NARs have it: its length in eight bytes, then the bytes, padded to eight. */
function narString(text: string): Buffer {
  const bytes = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8)
  bytes.writeBigUInt64LE(BigInt(text.length))
  bytes.write(text, 8)
  return bytes
}
