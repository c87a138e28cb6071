/**
 * The signed head of a device's witnessed log. What is signed is a checkpoint (C2SP tlog-checkpoint), so that other programs
 * can verify it too.
 */

import { z } from 'zod'
import { bytesSchema } from '../encoding/fields.ts'
import { hashLength, sha256 } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { type PublicKey, type Signer, signatureLength, verifySignature } from '../signing/keys.ts'
import { peerIdOf, publicKeyOf } from '../signing/peer-id.ts'
import type { TreeHead } from './merkle.ts'

export const logHeadSchema = z.strictObject({
  /** The number of entries. */
  size: z.int().min(0).max(limits.auditEntries),
  root: bytesSchema(hashLength),
  /** By the device's key, over the text of the checkpoint. */
  signature: bytesSchema(signatureLength),
})
export type LogHead = z.infer<typeof logHeadSchema>

/** The name of a log, which no other log of any fleet has. */
function originOf(fleet: string, peer: string): string {
  return `thymesh/${fleet.slice(0, 16)}/audit/${peer}`
}

function signedText(fleet: string, peer: string, { size, root }: TreeHead): string {
  return `${originOf(fleet, peer)}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

export function signHead(fleet: string, { size, root }: TreeHead, signer: Signer): LogHead {
  const text = signedText(fleet, peerIdOf(signer.publicKey), { size, root })
  return { size, root, signature: signer.sign(Buffer.from(text)) }
}

export function isSignedHead(fleet: string, peer: string, head: LogHead): boolean {
  return verifySignature(publicKeyOf(peer), Buffer.from(signedText(fleet, peer, head)), head.signature)
}

/** The head as a signed note (C2SP signed-note): text with a line of the signature. */
export function checkpointOf(fleet: string, peer: string, head: LogHead): string {
  const name = originOf(fleet, peer)
  const signature = Buffer.concat([keyHash(name, publicKeyOf(peer)), head.signature]).toString('base64')
  return `${signedText(fleet, peer, head)}\n— ${name} ${signature}\n`
}

/** The key that verifies such notes, in the form of their tools. */
export function verifierKeyOf(fleet: string, peer: string): string {
  const name = originOf(fleet, peer)
  const key = publicKeyOf(peer)
  return `${name}+${keyHash(name, key).toString('hex')}+${Buffer.from([1, ...key]).toString('base64')}`
}

/** 1 is the type of Ed25519 there. */
function keyHash(name: string, key: PublicKey): Buffer {
  return Buffer.from(sha256(Buffer.from(`${name}\n`), Uint8Array.of(1), key)).subarray(0, 4)
}
