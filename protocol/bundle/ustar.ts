/** Headers of a strict subset of ustar: regular files only, with one possible header for each name and size. */

import { equalBytes } from '../encoding/hash.ts'
import { BundleError } from './bundle-error.ts'

export const blockBytes = 512
/** Two empty blocks end an archive. */
export const archiveEnd = new Uint8Array(2 * blockBytes)
const maxSize = 0o77777777777
const namePattern = /^[a-z0-9][a-z0-9/._-]{0,99}$/
const sizeOffset = 124
const checksumOffset = 148

export interface UstarEntry {
  readonly name: string
  /** Bytes of the content, without the padding. */
  readonly size: number
}

/** The header of POSIX.1-1988 ustar: mode 0644, owner 0, time 0. */
export function ustarHeader({ name, size }: UstarEntry): Uint8Array {
  if (!isBundleName(name)) throw new RangeError(`expected a name of a bundle's file, got ${JSON.stringify(name)}`)
  if (!Number.isInteger(size) || size < 0 || size > maxSize) throw new RangeError(`expected a size, got ${size}`)
  const header = Buffer.alloc(blockBytes)
  header.write(name, 0, 'latin1')
  header.write('0000644\0', 100, 'latin1')
  header.write('0000000\0', 108, 'latin1')
  header.write('0000000\0', 116, 'latin1')
  header.write(`${size.toString(8).padStart(11, '0')}\0`, sizeOffset, 'latin1')
  header.write('00000000000\0', 136, 'latin1')
  // The checksum is computed with spaces in its own place. A regular file has the type 0.
  header.write('        0', checksumOffset, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, checksumOffset, 'latin1')
  return header
}

/** The bytes between a file's content and the next header. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes
}

/** Whether the name has the form that bundles use: no absolute path, no parent folder, no capital. */
function isBundleName(name: string): boolean {
  return namePattern.test(name) && !name.split('/').some(part => part === '' || part === '.' || part === '..')
}

/**
 * Reads a header; undefined for an empty block, which ends the archive. Throws a BundleError unless it is exactly the
 * header that {@link ustarHeader} makes: so there are no links, devices, folders, extensions, sparse files or other
 * encodings of a number.
 */
export function readUstarHeader(block: Uint8Array): UstarEntry | undefined {
  if (block.length !== blockBytes) throw BundleError.truncated('expected the header of a file, but the bundle ends')
  if (block.every(byte => byte === 0)) return undefined
  const text = Buffer.from(block.buffer, block.byteOffset, block.length)
  const name = text.toString('latin1', 0, 100).split('\0', 1)[0] ?? ''
  const digits = /^[0-7]{11}\0$/.exec(text.toString('latin1', sizeOffset, sizeOffset + 12))?.[0]
  if (!isBundleName(name) || digits === undefined) {
    const shown = JSON.stringify(name.slice(0, 60))
    throw BundleError.malformed(`expected the plain ustar header of a bundle's file, got another one, named ${shown}`)
  }
  const entry = { name, size: Number.parseInt(digits, 8) }
  if (!equalBytes(ustarHeader(entry), block)) {
    throw BundleError.malformed(`expected a regular file without attributes, got another kind of entry: ${name}`)
  }
  return entry
}
