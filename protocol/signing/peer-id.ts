/** Peer IDs: Ed25519 public keys in libp2p's text form (`12D3KooW…`), without a libp2p host. */

import { base58btc } from 'multiformats/bases/base58'
import { z } from 'zod'
import { type PublicKey, publicKeyLength } from './keys.ts'

/** Identity multihash (0x00), 36 bytes, of the protobuf {type: Ed25519 (08 01), data: 32 bytes (12 20 …)}. */
const prefix = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** An Ed25519 peer ID has 52 characters. */
const maxTextLength = 64

/** The peer ID of a public key (https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md). */
export function peerIdOf(publicKey: PublicKey): string {
  const bytes = new Uint8Array(prefix.length + publicKeyLength)
  bytes.set(prefix)
  bytes.set(publicKey, prefix.length)
  return base58btc.baseEncode(bytes)
}

/** The public key inside a peer ID. Throws a RangeError if the text isn't an Ed25519 peer ID. */
export function publicKeyOf(peerId: string): PublicKey {
  let bytes: Uint8Array | undefined
  try {
    // Base 58 decoding takes quadratic time, so a long text is rejected unread.
    if (peerId.length <= maxTextLength) bytes = base58btc.baseDecode(peerId)
  } catch {
    // The error below covers it.
  }
  if (bytes?.length !== prefix.length + publicKeyLength || !prefix.every((byte, at) => bytes[at] === byte)) {
    throw new RangeError(
      `expected an Ed25519 peer ID (12D3KooW…), got ${JSON.stringify(peerId.slice(0, maxTextLength))}`,
    )
  }
  return bytes.slice(prefix.length)
}

export const peerIdSchema = z
  .string()
  .max(maxTextLength)
  .refine(
    text => {
      try {
        publicKeyOf(text)
        return true
      } catch {
        return false
      }
    },
    { error: 'expected an Ed25519 peer ID (12D3KooW…)' },
  )
