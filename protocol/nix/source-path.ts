/** The store path of a flake's sources: it follows from their NAR hash alone (`makeFixedOutputPath` in Nix's `store-api.cc`). */

import { sha256, toHex } from '../encoding/hash.ts'
import { encodeNix32 } from './base32.ts'
import { type StorePath, storeDir } from './store-path.ts'

const name = 'source'

/** `narHash` is the SHA-256 of the NAR, 32 bytes. */
export function sourcePath(narHash: Uint8Array): StorePath {
  const fingerprint = sha256(Buffer.from(`${name}:sha256:${toHex(narHash)}:${storeDir}:${name}`))
  // Folded to 20 bytes by exclusive or, as all hashes of store paths are.
  const folded = new Uint8Array(20)
  fingerprint.forEach((byte, index) => {
    folded[index % folded.length] = (folded[index % folded.length] ?? 0) ^ byte
  })
  return `${storeDir}/${encodeNix32(folded)}-${name}`
}
