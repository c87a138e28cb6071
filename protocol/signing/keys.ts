/** Ed25519 keys: generating, signing, verifying, and TUF's key IDs. */

import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { canonicalize } from '@tufjs/canonical-json'
import { sha256, sha256Hex } from '../encoding/hash.ts'

/** RFC 8410: the fixed DER prefixes of a 32-byte Ed25519 seed (PKCS #8) and of a public key (SPKI). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

export const seedLength = 32
export const publicKeyLength = 32
export const signatureLength = 64

/** An Ed25519 public key as 32 raw bytes. */
export type PublicKey = Uint8Array

/** Signs with one key and doesn't expose the private key. */
export interface Signer {
  readonly publicKey: PublicKey
  readonly keyId: string
  sign(message: Uint8Array): Uint8Array
}

export function newSeed(): Uint8Array {
  return new Uint8Array(randomBytes(seedLength))
}

/** The signer of a 32-byte seed. */
export function signerOf(seed: Uint8Array): Signer {
  if (seed.length !== seedLength) throw new RangeError(`expected a seed of ${seedLength} bytes, got ${seed.length}`)
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32))
  return { publicKey, keyId: keyIdOf(publicKey), sign: message => new Uint8Array(sign(null, message, privateKey)) }
}

/** Verified signatures that are cached: each new head verifies all members again with the same bytes. */
const rememberedSignatures = 16_384
const good = new Set<string>()

/** Whether `signature` is `publicKey`'s over `message`. Returns false, never throws, for bytes of the wrong length. */
export function verifySignature(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== publicKeyLength || signature.length !== signatureLength) return false
  // Key and signature have fixed lengths, so the concatenation is unambiguous.
  const key = Buffer.from(sha256(publicKey, signature, message)).toString('base64')
  if (good.has(key)) return true
  if (!verify(null, message, publicKeyObject(publicKey), signature)) return false
  good.add(key)
  for (const oldest of good) {
    if (good.size <= rememberedSignatures) break
    good.delete(oldest)
  }
  return true
}

function publicKeyObject(publicKey: PublicKey): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' })
}

/** The public key as TUF metadata writes it. */
export function tufKeyJson(publicKey: PublicKey) {
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: Buffer.from(publicKey).toString('hex') } }
}

/** TUF's key ID: SHA-256 of the key's canonical JSON (specification §4.2), in hex. */
export function keyIdOf(publicKey: PublicKey): string {
  return sha256Hex(Buffer.from(canonicalize(tufKeyJson(publicKey))))
}
