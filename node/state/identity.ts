/** A peer's identity: one Ed25519 seed in a file that only its owner reads. */

import { type FileHandle, link, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ThymeshError } from '../../protocol/errors.ts'
import { newSeed, type Signer, seedLength, signerOf } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'

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

/** Reads the identity in a file, or makes a new one there (mode 0600, on disk before it is used). */
export async function loadIdentity(file: string): Promise<Identity> {
  try {
    return identityOf(await readSeed(file))
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown
  }
  const identity = identityOf(newSeed())
  await writeSeed(file, identity.seed)
  return identity
}

/** Reads a secret seed; refuses one that others can read. */
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

/** Writes a new secret seed, whole or not at all; fails when the file exists. */
export async function writeSeed(file: string, seed: Uint8Array): Promise<void> {
  const draft = `${file}.new`
  // What a power cut left of an earlier attempt.
  await rm(draft, { force: true })
  try {
    await synced(draft, 'wx', handle => handle.writeFile(`${Buffer.from(seed).toString('base64')}\n`))
    await link(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
  await synced(dirname(file), 'r')
}

async function synced(path: string, flags: string, write?: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, flags, 0o600)
  try {
    await write?.(handle)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
