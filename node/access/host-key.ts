/** The SSH host key of a device: an Ed25519 key derived from its identity, so that it is as lasting, and needs no file. */

import { createPrivateKey, createPublicKey, hkdfSync, randomBytes } from 'node:crypto'

const info = 'thymesh ssh host key 1'
/** PKCS #8 of an Ed25519 seed (RFC 8410). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const kind = 'ssh-ed25519'

export interface HostKey {
  /** `ssh-ed25519 BASE64`. */
  readonly line: string
  /** The private key as sshd reads it. */
  readonly file: string
}

/** The host key of the device with this identity. */
export function hostKeyOf(identitySeed: Uint8Array): HostKey {
  const seed = Buffer.from(hkdfSync('sha256', identitySeed, Buffer.alloc(0), info, 32))
  const secret = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  const point = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32)
  const blob = Buffer.concat([text(kind), text(point)])
  return { line: `${kind} ${blob.toString('base64')}`, file: privateFile(seed, point, blob) }
}

/** The format of OpenSSH (PROTOCOL.key), without a passphrase. */
function privateFile(seed: Buffer, point: Buffer, blob: Buffer): string {
  const check = randomBytes(4)
  const inner = Buffer.concat([check, check, text(kind), text(point), text(Buffer.concat([seed, point])), text('')])
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, at) => at + 1))
  const one = Buffer.from([0, 0, 0, 1])
  const outer = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[text('none'), text('none'), text(''), one, text(blob), text(Buffer.concat([inner, padding]))],
  ])
  const lines = outer.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}

/** A string of SSH: its length, then its bytes (RFC 4251). */
function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
