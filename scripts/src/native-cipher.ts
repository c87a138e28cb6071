/**
 * The bundle's replacement for noise's WebAssembly and JavaScript: Node's own cipher, a few microseconds slower on small
 * messages. Compilers and tables for the others would stay in a device's memory.
 */

import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import { keyObjectOf } from '../../node/mesh/transport/key-objects.ts'

const cipher = 'chacha20-poly1305'
const options = { authTagLength: 16 } as const

export const newInstance = (): undefined => undefined

/** As in @chainsafe/as-chacha20poly1305. */
export class ChaCha20Poly1305 {
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated = new Uint8Array()): Uint8Array {
    const sealer = createCipheriv(cipher, keyObjectOf(key), nonce, options)
    sealer.setAAD(associated, { plaintextLength: plaintext.length })
    return Buffer.concat([sealer.update(plaintext), sealer.final(), sealer.getAuthTag()])
  }

  /** Null for what isn't sealed by this key and nonce. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    associated = new Uint8Array(),
    into?: Uint8Array,
  ): Uint8Array | null {
    const length = sealed.length - options.authTagLength
    if (length < 0) return null
    const opener = createDecipheriv(cipher, keyObjectOf(key), nonce, options)
    opener.setAAD(associated, { plaintextLength: length })
    opener.setAuthTag(sealed.subarray(length))
    const opened = opener.update(sealed.subarray(0, length))
    try {
      opener.final()
    } catch {
      return null
    }
    if (into === undefined) return opened
    into.set(opened)
    return into
  }
}

/** As in @chainsafe/as-sha256. */
export function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

/** All of noise's own in JavaScript that its default takes: RFC 5869, three keys of 32 bytes. */
export const pureJsCrypto = {
  getHKDF: (chainingKey: Uint8Array, material: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] => {
    const keys = new Uint8Array(hkdfSync('sha256', material, chainingKey, '', 96))
    return [keys.subarray(0, 32), keys.subarray(32, 64), keys.subarray(64, 96)]
  },
}
