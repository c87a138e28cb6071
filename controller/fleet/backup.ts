/**
 * An operator's backup: keys, settings, tokens and the controller's identity of one fleet in one file, encrypted with age
 * (https://age-encryption.org/v1) by a passphrase. The fleet's state is left out: peers bring it back, and an old copy of it would
 * sign versions anew that others have already.
 */

import { chmod, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Decrypter, Encrypter } from 'age-encryption'
import { z } from 'zod'
import { replaceFile } from '../../node/files/durable-file.ts'
import { exists, unlessMissing } from '../../node/files/missing.ts'
import { fleetIdSchema, timeText } from '../../protocol/encoding/fields.ts'
import { jsonOf } from '../../protocol/encoding/json.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { noKey } from '../keys/operator-keys.ts'
import type { FleetHome } from './fleet-home.ts'

export class BackupError extends HintedError<'exists' | 'malformed' | 'wrong-passphrase' | 'other-fleet'> {}

/** Far more than thousands of tokens take. */
const maxBackupBytes = 16 * 2 ** 20

/** What a backup may hold, so that none writes anywhere else. */
const pathSchema = z
  .string()
  .regex(/^(controller\.json|(keys|tokens)\/[a-z0-9][a-z0-9.-]{0,99}|state\/(identity\.key|age\.keys))$/)

const backupSchema = z.strictObject({
  v: z.literal(1),
  fleet: fleetIdSchema,
  operator: z.string().max(100).nullable(),
  made: z.iso.datetime(),
  /** By path in the operator's folder, in base64. */
  files: z.record(pathSchema, z.base64().max(maxBackupBytes)),
})
type Backup = z.infer<typeof backupSchema>

export interface BackupSummary {
  readonly operator: string | null
  readonly made: string
  readonly files: readonly string[]
}

/** Reads the files of an operator's folder, and encrypts them. Sealed keys stay sealed inside. */
export async function makeBackup(
  home: FleetHome,
  fleet: string,
  passphrase: string,
): Promise<[Uint8Array, BackupSummary]> {
  if ((await home.operatorKeys.files('root')).length === 0) {
    throw noKey('root', join(home.operatorKeys.directory, 'root.key'))
  }
  const files: Record<string, string> = {}
  for (const path of await pathsIn(home.directory)) {
    files[path] = (await readFile(join(home.directory, path))).toString('base64')
  }
  const operator = (await home.operatorKeys.operator()) ?? null
  const backup: Backup = { v: 1, fleet, operator, made: timeText(new Date()), files }
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  return [await encrypter.encrypt(JSON.stringify(backup)), summaryOf(backup)]
}

async function pathsIn(directory: string): Promise<string[]> {
  const below = async (folder: string) =>
    ((await unlessMissing(readdir(join(directory, folder)))) ?? []).map(name => `${folder}/${name}`)
  const all = ['controller.json', ...(await below('keys')), ...(await below('tokens')), ...(await below('state'))]
  const there = await Promise.all(all.map(path => exists(join(directory, path))))
  return all.filter((path, index) => there[index] && pathSchema.safeParse(path).success)
}

/** Restores an operator's folder, whole or not at all. There must be none yet. */
export async function restoreBackup(
  file: string,
  home: FleetHome,
  fleet: string,
  passphrase: string,
): Promise<BackupSummary> {
  const backup = await openBackup(file, passphrase)
  if (backup.fleet !== fleet) {
    throw new BackupError('other-fleet', `the backup is of fleet ${backup.fleet}, expected ${fleet}`, {
      hint: 'Run the command in a clone of the project of that fleet.',
    })
  }
  if (await exists(home.directory)) {
    throw new BackupError('exists', `${home.directory} is there already: nothing was written`, {
      hint: 'Move it away first, if the backup is to take its place.',
    })
  }
  const partial = `${home.directory}.restoring`
  await rm(partial, { recursive: true, force: true })
  try {
    for (const [path, content] of Object.entries(backup.files)) {
      const target = join(partial, path)
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await replaceFile(target, Buffer.from(content, 'base64'), { mode: 0o600 })
    }
    await chmod(partial, 0o700)
    await rename(partial, home.directory)
  } catch (thrown) {
    await rm(partial, { recursive: true, force: true })
    throw thrown
  }
  return summaryOf(backup)
}

async function openBackup(file: string, passphrase: string): Promise<Backup> {
  const { size } = await stat(file)
  if (size > maxBackupBytes) throw malformed(file, `it has ${size} bytes, expected at most ${maxBackupBytes}`)
  const bytes = await readFile(file)
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  const text = await decrypter.decrypt(bytes, 'text').catch((thrown: unknown) => {
    if (!/no identity matched/i.test(messageOf(thrown))) throw malformed(file, messageOf(thrown))
    throw new BackupError('wrong-passphrase', `the passphrase doesn't open ${file}`, {
      hint: 'Give the one that was chosen for the backup: it may differ from that of the keys.',
      cause: thrown,
    })
  })
  const parsed = backupSchema.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw malformed(file, z.prettifyError(parsed.error))
}

function malformed(file: string, reason: string): BackupError {
  return new BackupError('malformed', `${file} can't be read as a backup: ${reason}`, {
    hint: 'Expected a file that `thymesh backup` has written, whole: use another copy.',
  })
}

function summaryOf({ operator, made, files }: Backup): BackupSummary {
  return { operator, made, files: Object.keys(files).sort() }
}
