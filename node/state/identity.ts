/** A peer's identity: an Ed25519 seed in a file readable only by its owner. */

import { readFile, stat } from 'node:fs/promises'
import { ThymeshError } from '../../protocol/errors.ts'
import { newSeed, type Signer, seedLength, signerOf } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import { createFile } from '../files/durable-file.ts'
import { unlessMissing } from '../files/missing.ts'

export class IdentityError extends ThymeshError<'malformed' | 'readable-by-others'> {}

export interface Identity {
  readonly seed: Uint8Array
  readonly signer: Signer
  readonly peerId: string
}

export function identityOf(seed: Uint8Array): Identity {
  const signer = signerOf(seed)
  return { seed, signer, peerId: peerIdOf(signer.publicKey) }
}

/** Loads the identity from a file, or creates one (mode 0600, on disk before it is used). */
export async function loadIdentity(file: string): Promise<Identity> {
  const seed = await unlessMissing(readSeed(file))
  if (seed !== undefined) return identityOf(seed)
  const identity = identityOf(newSeed())
  await writeSeed(file, identity.seed)
  return identity
}

/** Reads a secret seed; rejects a file that others can read. */
export async function readSeed(file: string): Promise<Uint8Array> {
  const text = await readFile(file, 'utf8')
  const { mode } = await stat(file)
  if ((mode & 0o077) !== 0) {
    throw new IdentityError('readable-by-others', `expected ${file} to be readable by its owner only`, {
      hint: `Run: chmod 600 ${file}`,
    })
  }
  const seed = new Uint8Array(Buffer.from(text.trim(), 'base64'))
  if (seed.length !== seedLength) {
    throw new IdentityError('malformed', `expected a seed of ${seedLength} bytes in base64 in ${file}`, {
      hint: 'Restore the file from a backup.',
    })
  }
  return seed
}

/** Writes a new secret seed atomically; fails if the file exists. */
export async function writeSeed(file: string, seed: Uint8Array): Promise<void> {
  await createFile(file, `${Buffer.from(seed).toString('base64')}\n`)
}
