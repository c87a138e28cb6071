/** Streams a NAR so that a damaged one never ends whole: the last piece comes only when the hash of all of it is right. */
import { createHash } from 'node:crypto'
import { equalBytes } from '../../../protocol/encoding/hash.ts'
import type { PathInfo } from '../path-info.ts'
import { storeError } from '../store-error.ts'
import type { NarReader } from './nar-reader.ts'

/**
 * The bytes from `start` on; those before it are read too, since the hash is of the whole.
 *
 * @throws StoreError `nar-mismatch` in place of the last piece if the files aren't those that Nix registered.
 */
export async function* soundStream(
  nar: Pick<NarReader, 'stream'>,
  info: Pick<PathInfo, 'path' | 'narHash'>,
  start: number,
): AsyncGenerator<Uint8Array, void> {
  const hash = createHash('sha256')
  let at = 0
  let last: Uint8Array = new Uint8Array()
  for await (const piece of nar.stream()) {
    hash.update(piece)
    if (last.length > 0) yield last
    last = piece.subarray(Math.max(0, Math.min(start - at, piece.length)))
    at += piece.length
  }
  if (!equalBytes(hash.digest(), info.narHash)) {
    throw storeError('nar-mismatch', `Expected the NAR of ${info.path} to have its hash, its files make another one`)
  }
  if (last.length > 0) yield last
}
