/** Which cipher of a lane is quick on this machine. */

import { readFile } from 'node:fs/promises'
import type { LaneCipher } from '../../../protocol/messages/lane.ts'

let aes: Promise<boolean> | undefined

/** Whether the processor has instructions for AES; without them, ChaCha20 is several times as fast. */
export function hasAes(): Promise<boolean> {
  aes ??= readFile('/proc/cpuinfo', 'latin1').then(
    text => /^(?:flags|Features)\s*:.*\baes\b/m.test(text),
    () => false,
  )
  return aes
}

/** The cipher for this machine and another one, which has such instructions or not. */
export async function cipherFor(theirs: boolean): Promise<LaneCipher> {
  return theirs && (await hasAes()) ? 'TLS_AES_128_GCM_SHA256' : 'TLS_CHACHA20_POLY1305_SHA256'
}
