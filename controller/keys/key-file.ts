/** Key files: a secret in a file that only its owner can read, sealed by a passphrase, or unsealed on request. */

import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { createFile } from '../../node/files/durable-file.ts'
import { unlessMissing } from '../../node/files/missing.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'

export class KeyFileError extends HintedError<
  'no-keys' | 'malformed' | 'readable-by-others' | 'wrong-passphrase' | 'exists'
> {}

/**
 * How hard a guess is: some 0.3 s and 128 MiB, what OWASP asks of scrypt. The file says what it was sealed with, within
 * bounds, so that a forged one can't take all memory.
 */
const cost = { N: 2 ** 17, r: 8, p: 1 }
const maxCost = { N: 2 ** 20, r: 16, p: 4 }

const sealedSchema = z.strictObject({
  v: z.literal(1),
  /** The kind of the key, such as `root`; a file that was moved to another name doesn't open. */
  kind: z.string().max(40),
  kdf: z.literal('scrypt'),
  n: z.int().min(2).max(maxCost.N),
  r: z.int().min(1).max(maxCost.r),
  p: z.int().min(1).max(maxCost.p),
  salt: z.base64(),
  cipher: z.literal('chacha20-poly1305'),
  nonce: z.base64(),
  sealed: z.base64(),
})
type Sealed = z.infer<typeof sealedSchema>

/** A passphrase, asked for when the first sealed file is met. */
export type Passphrase = () => Promise<string>

const keyLength = 32
const nonceLength = 12
const tagLength = 16

/** Keys of the files that were opened last: all of a folder share a salt, so that six files cost one derivation. */
const derived = new Map<string, Promise<Buffer>>()

function derive(passphrase: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  const name = `${salt.toString('hex')} ${N} ${r} ${p} ${passphrase}`
  const known = derived.get(name)
  if (known !== undefined) return known
  const key = new Promise<Buffer>((resolve, reject) => {
    const maxmem = 256 * N * r
    scrypt(passphrase.normalize('NFKC'), salt, keyLength, { N, r, p, maxmem }, (error, bytes) => {
      if (error === null) resolve(bytes)
      else reject(error)
    })
  })
  derived.set(name, key)
  return key
}

/** The seal of the key files of one folder. */
export interface Seal {
  readonly passphrase: string
  readonly salt: Uint8Array
  /** Only tests ask for less than the default. */
  readonly cost?: typeof cost
}

export function newSeal(passphrase: string, withCost = cost): Seal {
  return { passphrase, salt: randomBytes(16), cost: withCost }
}

async function sealed(kind: string, secret: string, seal: Seal): Promise<string> {
  const { N, r, p } = seal.cost ?? cost
  const nonce = randomBytes(nonceLength)
  const key = await derive(seal.passphrase, Buffer.from(seal.salt), { N, r, p })
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagLength })
  const text = Buffer.from(secret)
  cipher.setAAD(Buffer.from(`thymesh key ${kind}`), { plaintextLength: text.length })
  const body = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
  const file: Sealed = {
    v: 1,
    kind,
    kdf: 'scrypt',
    n: N,
    r,
    p,
    salt: Buffer.from(seal.salt).toString('base64'),
    cipher: 'chacha20-poly1305',
    nonce: nonce.toString('base64'),
    sealed: body.toString('base64'),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

async function unsealed(path: string, kind: string, file: Sealed, passphrase: Passphrase): Promise<string> {
  const { n: N, r, p } = file
  const key = await derive(await passphrase(), Buffer.from(file.salt, 'base64'), { N, r, p })
  const body = Buffer.from(file.sealed, 'base64')
  try {
    const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.from(file.nonce, 'base64'), {
      authTagLength: tagLength,
    })
    const text = body.subarray(0, body.length - tagLength)
    decipher.setAAD(Buffer.from(`thymesh key ${kind}`), { plaintextLength: text.length })
    decipher.setAuthTag(body.subarray(body.length - tagLength))
    return Buffer.concat([decipher.update(text), decipher.final()]).toString()
  } catch (thrown) {
    throw new KeyFileError('wrong-passphrase', `the passphrase doesn't open ${path}`, {
      hint: 'Try again. THYMESH_PASSPHRASE and --passphrase-file override the prompt. A lost passphrase can not be recovered.',
      cause: thrown,
    })
  }
}

/** The secret text of a key file. Refuses one that others can read, or whose folder others can. */
export async function readKeyFile(path: string, kind: string, passphrase: Passphrase): Promise<string> {
  await requirePrivate(dirname(path), 0o700)
  const text = await readFile(path, 'utf8')
  await requirePrivate(path, 0o600)
  const file = parseSealed(path, text)
  return file === undefined ? text.trim() : await unsealed(path, kind, file, passphrase)
}

/** Whether a key file is sealed; nothing where there is none. */
export async function isSealed(path: string): Promise<boolean | undefined> {
  const text = await unlessMissing(readFile(path, 'utf8'))
  return text === undefined ? undefined : parseSealed(path, text) !== undefined
}

function parseSealed(path: string, text: string): Sealed | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return sealedSchema.parse(JSON.parse(text))
  } catch (thrown) {
    throw new KeyFileError('malformed', `expected a sealed key in ${path}: ${messageOf(thrown)}`, {
      hint: 'Restore the file from a backup.',
      cause: thrown,
    })
  }
}

/** Writes a new key file (mode 0600, its folder 0700), whole or not at all; never over another. */
export async function writeKeyFile(path: string, kind: string, secret: string, seal: Seal | undefined): Promise<void> {
  const text = seal === undefined ? `${secret}\n` : await sealed(kind, secret, seal)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await createFile(path, text)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown
    throw new KeyFileError('exists', `${path} already has a key`, {
      hint: 'Keys are never overwritten. If nothing needs the old one, move it away first.',
    })
  }
}

async function requirePrivate(path: string, mode: number): Promise<void> {
  const { mode: found } = await stat(path)
  if ((found & 0o077) === 0) return
  throw new KeyFileError('readable-by-others', `expected only its owner to have access to ${path}`, {
    hint: `Run: chmod ${mode.toString(8)} ${path}. Others may have read it.`,
  })
}
