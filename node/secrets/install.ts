/** Installs decrypted secrets in a tmpfs, all of a system's at once: readers see either the old set or the new one. */

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, mkdir, open, readdir, readlink, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { secretDocumentCodec } from '../../protocol/release/secrets.ts'
import { replaceLink } from '../files/durable-file.ts'
import { exists } from '../files/missing.ts'
import { accountId } from '../process/account-id.ts'
import type { SecretFile } from './manifest.ts'
import { SecretError } from './secret-error.ts'

/** Where units find them: a link to the folder of the newest set. */
export const secretsLink = 'run/thymesh/secrets'

/** Of statfs(2): file systems that never reach a disk. */
const tmpfs = 0x01021994
const ramfs = 0x858458f6

export interface InstallOptions {
  /** The device's root; `/` but in tests. Under another one neither a tmpfs nor owners are asked for. */
  readonly root: string | undefined
  /** Secret age identities, tried in turn. */
  readonly identities: readonly string[]
}

export interface PlainSecret extends SecretFile {
  readonly bytes: Uint8Array
}

/** The plaintext of a ciphertext document. Throws a SecretError that says nothing of it. */
export async function openSecret(
  document: Uint8Array,
  name: string,
  identities: readonly string[],
): Promise<Uint8Array> {
  let age: Uint8Array
  try {
    age = secretDocumentCodec.decode(document).age
  } catch {
    throw new SecretError('secret-unreadable', `the secret ${name} is no secret document`)
  }
  // Loaded when it is needed, which on most devices is at an update or never.
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  try {
    return await decrypter.decrypt(age)
  } catch {
    throw new SecretError('secret-not-for-us', `the secret ${name} is not encrypted to this device, or is damaged`, {
      hint: 'Deploy again now that the device has joined: secrets are encrypted to it then.',
    })
  }
}

/**
 * Puts the files in place of those that are there. A file whose owner or group is missing is root's alone until
 * `assignOwners`. Throws a SecretError; the old ones are there still then.
 */
export async function installSecrets(files: readonly PlainSecret[], { root }: InstallOptions): Promise<void> {
  const link = join(root ?? '/', secretsLink)
  const base = dirname(link)
  await mkdir(base, { recursive: true, mode: 0o755 })
  if (root === undefined) await requireMemory(base)
  const folder = `${link}.${randomBytes(6).toString('hex')}`
  try {
    // Closed to all until each file has its owner and mode.
    await mkdir(folder, { mode: 0o700 })
    let others = false
    for (const file of files) {
      await installFile(folder, file, root)
      others ||= (file.owner ?? 'root') !== 'root' || (file.group ?? 'root') !== 'root'
    }
    // Others may go through to a file of their own, and see no names. The folder above may have been made with a stricter mode.
    if (others) {
      await chmod(folder, 0o711)
      await chmod(base, 0o755)
    }
    await replaceLink(link, basename(folder), `${folder}.link`)
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true })
    throw thrown
  }
  await removeOld(link)
}

async function installFile(
  folder: string,
  { name, bytes, owner, group, mode }: PlainSecret,
  root: string | undefined,
): Promise<void> {
  const path = join(folder, name)
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(bytes)
    if (root !== undefined) return await handle.chmod(modeOf({ mode }))
    const [uid, gid] = [await accountId('passwd', owner), await accountId('group', group)]
    if (uid === undefined || gid === undefined) return await handle.chmod(0o400)
    await handle.chown(uid, gid)
    await handle.chmod(modeOf({ mode }))
  } finally {
    await handle.close()
  }
}

const modeOf = ({ mode }: Pick<SecretFile, 'mode'>) => Number.parseInt(mode ?? '0400', 8)

/**
 * Gives installed files to their owners, once the system that wants them has made these. Throws a SecretError that
 * names an account that is still missing; all others have their files then.
 */
export async function assignOwners(files: readonly SecretFile[], root: string | undefined): Promise<void> {
  if (root !== undefined) return
  let problem: SecretError | undefined
  for (const file of files) {
    const path = join('/', secretsLink, file.name)
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined)
    if (handle === undefined) continue
    try {
      const [uid, gid] = [await accountId('passwd', file.owner), await accountId('group', file.group)]
      if (uid === undefined) problem ??= missingAccount('user', file.owner)
      else if (gid === undefined) problem ??= missingAccount('group', file.group)
      else {
        await handle.chown(uid, gid)
        await handle.chmod(modeOf(file))
      }
    } finally {
      await handle.close()
    }
  }
  if (problem !== undefined) throw problem
}

function missingAccount(what: 'user' | 'group', name: string | undefined): SecretError {
  return new SecretError('secret-account', `a secret is for the ${what} ${name}, which this device doesn't have`, {
    hint: `Let the config make the ${what} in a unit that is ordered before thymesh-secrets.service, or give the secret to root and hand it on with systemd's LoadCredential.`,
  })
}

/** Sets that were there before; one that another process installs at this moment has no link yet and is young. */
async function removeOld(link: string): Promise<void> {
  const base = dirname(link)
  const kept = await readlink(link)
  for (const name of await readdir(base)) {
    if (name.startsWith('secrets.') && name !== kept) await rm(join(base, name), { recursive: true, force: true })
  }
}

async function requireMemory(folder: string): Promise<void> {
  const { type } = await statfs(folder)
  if (type === tmpfs || type === ramfs) return
  throw new SecretError('secret-place', `expected ${folder} to be in a tmpfs: secrets may not reach a disk`, {
    hint: 'Mount a tmpfs at /run, as systemd does.',
  })
}

/** Whether a set has been installed since the machine started. */
export async function areInstalled(root: string | undefined): Promise<boolean> {
  return await exists(join(root ?? '/', secretsLink))
}

/** Takes all of it away: for a system that has none. */
export async function removeSecrets(root: string | undefined): Promise<void> {
  const link = join(root ?? '/', secretsLink)
  const names = await readdir(dirname(link)).catch(() => [])
  for (const name of names) {
    if (name === 'secrets' || name.startsWith('secrets.'))
      await rm(join(dirname(link), name), { recursive: true, force: true })
  }
}
