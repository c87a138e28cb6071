/** Nix path signatures: the signed fingerprint, the key formats of `nix key`, and Ed25519. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { encodeNix32 } from './base32.ts'
import { NixFormatError } from './format-error.ts'

/** The fields that a path's signature covers. */
export interface SignedPathInfo {
  readonly path: string
  /** SHA-256 of the NAR, 32 bytes. */
  readonly narHash: Uint8Array
  readonly narSize: number
  /** Full store paths, including a self-reference, in any order. */
  readonly references: readonly string[]
}

/** A signing key, as written by `nix-store --generate-binary-cache-key`. */
export interface NixSecretKey {
  readonly name: string
  readonly key: KeyObject
}

/** A verification key, as in `trusted-public-keys`. */
export interface NixPublicKey {
  readonly name: string
  readonly key: KeyObject
}

const seedBytes = 32
const publicBytes = 32
const signatureBytes = 64
/** The longest `name:base64` that is parsed; names are host names in practice. */
const maxKeyTextLength = 512
/** The DER prefix of a raw Ed25519 key (RFC 8410): node:crypto doesn't import raw keys. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** The text that Nix signs: `1;<path>;sha256:<nix32>;<size>;<references, sorted, comma-joined>` (`path-info.cc`). */
export function fingerprint(info: SignedPathInfo): string {
  const references = info.references.toSorted().join(',')
  return `1;${info.path};sha256:${encodeNix32(info.narHash)};${info.narSize};${references}`
}

/** Generates a key. Signatures carry `name` to identify it (`example.org-1`). */
export function generateNixSecretKey(name: string): NixSecretKey {
  if (!isKeyName(name)) throw invalidKey(`a key name without ':' and white space, got '${name.slice(0, 80)}'`)
  return { name, key: generateKeyPairSync('ed25519').privateKey }
}

/** Derives a key from a 32-byte Ed25519 seed. */
export function nixSecretKeyFromSeed(name: string, seed: Uint8Array): NixSecretKey {
  if (!isKeyName(name)) throw invalidKey(`a key name without ':' and white space, got '${name.slice(0, 80)}'`)
  if (seed.length !== seedBytes) throw invalidKey(`a seed of ${seedBytes} bytes, got ${seed.length}`)
  return { name, key: createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' }) }
}

/**
 * Parses a secret key: `name:base64(seed ‖ public key)`.
 *
 * @throws NixFormatError `key-invalid`; the message never quotes key material.
 */
export function parseNixSecretKey(text: string): NixSecretKey {
  const { name, bytes } = splitKey(text, seedBytes + publicBytes, 'secret key')
  const secret = nixSecretKeyFromSeed(name, bytes.subarray(0, seedBytes))
  if (!rawPublicKey(secret.key).equals(bytes.subarray(seedBytes))) {
    throw invalidKey(`a secret key '${name}' whose second half is the public key of its first; they do not match`)
  }
  return secret
}

/** Formats a secret key. */
export function formatNixSecretKey(secret: NixSecretKey): string {
  const seed = secret.key.export({ format: 'der', type: 'pkcs8' }).subarray(pkcs8Prefix.length)
  return `${secret.name}:${Buffer.concat([seed, rawPublicKey(secret.key)]).toString('base64')}`
}

/**
 * Parses an entry of `trusted-public-keys`: `name:base64(public key)`.
 *
 * @throws NixFormatError `key-invalid`
 */
export function parseNixPublicKey(text: string): NixPublicKey {
  const { name, bytes } = splitKey(text, publicBytes, 'public key')
  return { name, key: createPublicKey({ key: Buffer.concat([spkiPrefix, bytes]), format: 'der', type: 'spki' }) }
}

/** Formats an entry of `trusted-public-keys`; for a secret key, its public half. */
export function formatNixPublicKey(key: NixPublicKey | NixSecretKey): string {
  return `${key.name}:${rawPublicKey(key.key).toString('base64')}`
}

/** Signs a path: `name:base64(signature)`, as in narinfo and the store's database. */
export function signPath(info: SignedPathInfo, secret: NixSecretKey): string {
  return signBytes(Buffer.from(fingerprint(info)), secret)
}

/** Signs bytes, in the same form. They must not be a path's fingerprint, which begins with `1;`. */
export function signBytes(bytes: Uint8Array, secret: NixSecretKey): string {
  return `${secret.name}:${sign(null, bytes, secret.key).toString('base64')}`
}

/** Whether one of the keys made this signature over this path. False for a malformed signature. */
export function verifyPath(info: SignedPathInfo, signature: string, trusted: readonly NixPublicKey[]): boolean {
  return verifyBytes(Buffer.from(fingerprint(info)), signature, trusted)
}

/** Whether one of the keys made this signature over these bytes. False for a malformed signature. */
export function verifyBytes(signed: Uint8Array, signature: string, trusted: readonly NixPublicKey[]): boolean {
  const colon = signature.indexOf(':')
  if (colon <= 0 || signature.length > maxKeyTextLength) return false
  const name = signature.slice(0, colon)
  const bytes = decodeBase64(signature.slice(colon + 1), signatureBytes)
  if (bytes === undefined) return false
  return trusted.some(key => key.name === name && verify(null, signed, key.key, bytes))
}

function rawPublicKey(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length)
}

function splitKey(text: string, byteLength: number, what: string): { name: string; bytes: Buffer } {
  const trimmed = text.length <= maxKeyTextLength ? text.trim() : ''
  const colon = trimmed.indexOf(':')
  const name = trimmed.slice(0, Math.max(colon, 0))
  const bytes = decodeBase64(trimmed.slice(colon + 1), byteLength)
  if (!isKeyName(name) || bytes === undefined) throw invalidKey(`a ${what} 'name:base64' of ${byteLength} bytes`)
  return { name, bytes }
}

function isKeyName(name: string): boolean {
  return /^[^\s:]{1,255}$/.test(name)
}

/** Node's decoder ignores unknown characters; this one accepts only canonical base64 of the right length. */
function decodeBase64(text: string, byteLength: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === byteLength && bytes.toString('base64') === text ? bytes : undefined
}

function invalidKey(expected: string): NixFormatError {
  return new NixFormatError('key-invalid', `Expected ${expected}`, {
    hint: 'Use a key as `nix-store --generate-binary-cache-key` writes it',
  })
}
