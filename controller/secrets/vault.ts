/** The project's secrets: ciphertexts for its operators in secrets/NAME.age, what they are in secrets/NAME.json. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { EditError, type ProjectEdit } from '../project/edit.ts'
import { newText } from '../project/edit-json.ts'
import type { ProjectFiles } from '../project/files.ts'
import { list, suggestion } from '../project/problem.ts'
import type { ProjectFile, SecretFile } from '../project/schemas.ts'
import { decryptWith, sealFor } from './age.ts'
import { SecretsError } from './errors.ts'
import type { OperatorIdentity } from './operator-identity.ts'
import { normalised } from './process.ts'
import { isFor } from './readers-stanza.ts'

export const cipherFile = (name: string) => `secrets/${name}.age`
export const aboutFile = (name: string) => `secrets/${name}.json`

/** The recipients of the project's secrets: its operators. Throws a SecretsError when we are none of them. */
export function recipientsOf(project: Pick<ProjectFile, 'operators'>, own: OperatorIdentity): string[] {
  const recipients = Object.values(project.operators ?? {}).map(({ age }) => age)
  if (recipients.includes(own.recipient)) return recipients.sort()
  throw new SecretsError('not-an-operator', 'thymesh.json lists no operator with your age key', {
    hint: `Ask an operator who can read the secrets to run: thymesh secret allow YOURNAME ${own.recipient}`,
  })
}

export function requireSecret(files: ProjectFiles, name: string): SecretFile {
  const content = files.secrets.get(name)?.content
  if (content !== undefined) return content
  const known = [...files.secrets.keys()]
  throw new SecretsError('no-secret', `the project has no secret ${name} (${aboutFile(name)})`, {
    hint: `The project has ${list(known)}${suggestion(name, known) || '.'}`,
  })
}

export async function addSecret(
  edit: ProjectEdit,
  name: string,
  about: Pick<SecretFile, 'type' | 'processing'> & Partial<SecretFile>,
  content: Uint8Array,
  recipients: readonly string[],
  now: Date,
): Promise<void> {
  if ((await edit.read(aboutFile(name))) !== undefined || (await edit.readBytes(cipherFile(name))) !== undefined) {
    throw new EditError('entry-exists', `the project already has the secret ${name} (${aboutFile(name)})`, {
      hint: 'Change its content with `thymesh secret set`.',
    })
  }
  await seal(edit, name, about as SecretFile, content, recipients, now)
}

/** New content for a secret: that is its rotation. */
export async function seal(
  edit: ProjectEdit,
  name: string,
  about: SecretFile,
  content: Uint8Array,
  recipients: readonly string[],
  now: Date,
): Promise<void> {
  const plaintext = normalised(name, about.type, content)
  await edit.write(cipherFile(name), await sealFor(recipients, plaintext))
  await edit.write(aboutFile(name), newText({ ...about, recipients, rotated: timeText(now) }))
}

export async function openSecret(edit: ProjectEdit, name: string, own: OperatorIdentity): Promise<Uint8Array> {
  const ciphertext = await edit.readBytes(cipherFile(name))
  if (ciphertext === undefined) {
    throw new SecretsError(
      'no-secret',
      `expected the ciphertext of the secret ${name} in ${cipherFile(name)}, found none`,
      {
        hint: `Restore it with Git, or give it new content: thymesh secret set ${name}.`,
      },
    )
  }
  return await decryptWith([own.identity], ciphertext, name)
}

/**
 * Encrypts every secret anew that isn't for exactly the operators as they are now, or doesn't say so; the contents stay.
 * The ciphertext counts: a merge may have brought the JSON beside it from another branch. Gives those that were changed.
 */
export async function rekey(
  edit: ProjectEdit,
  files: ProjectFiles,
  own: OperatorIdentity,
  recipients: readonly string[],
): Promise<string[]> {
  const wanted = [...recipients].sort()
  const changed: string[] = []
  for (const [name, { content }] of files.secrets) {
    if (content === undefined) continue
    const isRight = isFor((await edit.readBytes(cipherFile(name))) ?? new Uint8Array(), wanted)
    if (isRight && JSON.stringify([...content.recipients].sort()) === JSON.stringify(wanted)) continue
    if (!isRight) await edit.write(cipherFile(name), await sealFor(wanted, await openSecret(edit, name, own)))
    await edit.write(aboutFile(name), newText({ ...content, recipients: wanted }))
    changed.push(name)
  }
  return changed
}
