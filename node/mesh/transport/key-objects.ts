/** Caches node:crypto key objects for cipher keys: each key is parsed once, for as long as its bytes are in use. */

import { createSecretKey, type KeyObject } from 'node:crypto'

const known = new WeakMap<Uint8Array, KeyObject>()

/** The key object of some bytes, which must not change any more. */
export function keyObjectOf(bytes: Uint8Array): KeyObject {
  const key = known.get(bytes) ?? createSecretKey(bytes)
  known.set(bytes, key)
  return key
}
