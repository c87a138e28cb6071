/** Changes of the project's secrets, for commands and for the API: contents come in, and never go out. */

import type { z } from 'zod'
import type {
  addSecretOptions,
  allowOptions,
  disallowOptions,
  rekeyedSchema,
  rekeyOptions,
  removeSecretOptions,
  secretWrittenSchema,
  setSecretOptions,
} from '../api/schemas/secrets.ts'
import { operatorName } from '../fleet/names.ts'
import { type OpenProject, readProject } from '../inputs/read-project.ts'
import { EditError, ProjectEdit } from '../project/edit.ts'
import { setValue } from '../project/edit-json.ts'
import { list } from '../project/problem.ts'
import { parseProject, projectFile } from '../project/project.ts'
import { type ProjectFile, projectSchema, type SecretFile } from '../project/schemas.ts'
import { mentionUsers } from '../project/uses.ts'
import { randomContent } from '../secrets/content.ts'
import { SecretsError } from '../secrets/errors.ts'
import { type OperatorIdentity, operatorIdentity } from '../secrets/operator-identity.ts'
import { aboutFile, addSecret, cipherFile, recipientsOf, rekey, requireSecret, seal } from '../secrets/vault.ts'
import { committed } from './edit-project.ts'
import type { Place } from './order.ts'

type Written = z.infer<typeof secretWrittenSchema>
type Rekeyed = z.infer<typeof rekeyedSchema>
type About = Pick<SecretFile, 'type' | 'processing'> & Partial<SecretFile>

/** The recipients of a new ciphertext. The first operator who has a secret is added to thymesh.json. */
export async function recipientsFor(edit: ProjectEdit, open: OpenProject, own: OperatorIdentity): Promise<string[]> {
  const { operators } = open.project
  if (operators !== undefined && Object.keys(operators).length > 0) return recipientsOf(open.project, own)
  const first = { [operatorName()]: { age: own.recipient } }
  await writeOperators(edit, first)
  return recipientsOf({ operators: first }, own)
}

export async function removeSecret(edit: ProjectEdit, open: OpenProject, name: string): Promise<void> {
  requireSecret(open.files, name)
  const users = await mentionUsers('secret', open.project.directory, open.files, open.describe)
  const places = users.get(name)?.places ?? []
  if (places.length > 0) {
    throw new EditError('in-use', `the secret ${name} is in use: ${places.join(', ')}`, {
      hint: 'Change these settings first.',
    })
  }
  await edit.remove(cipherFile(name))
  await edit.remove(aboutFile(name))
}

/** Another set of operators: all secrets are encrypted anew, to them. */
export async function changeReaders(
  edit: ProjectEdit,
  open: OpenProject,
  own: OperatorIdentity,
  change: (operators: NonNullable<ProjectFile['operators']>) => NonNullable<ProjectFile['operators']>,
): Promise<string[]> {
  await recipientsFor(edit, open, own)
  const before = parseProject((await edit.read(projectFile)) ?? '', projectFile)
  const operators = change(before.operators ?? {})
  await writeOperators(edit, operators)
  return await rekey(edit, open.files, own, recipientsOf({ operators }, own))
}

/** All but this one. Throws a SecretsError where there is none of this name. */
export function withoutReader(operators: NonNullable<ProjectFile['operators']>, name: string) {
  const { [name]: gone, ...others } = operators
  if (gone !== undefined) return others
  throw new SecretsError('not-an-operator', `${projectFile} has no operator ${name}`, {
    hint: `It has ${list(Object.keys(others))}.`,
  })
}

async function writeOperators(edit: ProjectEdit, operators: NonNullable<ProjectFile['operators']>): Promise<void> {
  const order = Object.keys(projectSchema.shape)
  const text = setValue((await edit.read(projectFile)) ?? '', ['operators'], operators, order)
  parseProject(text, projectFile)
  await edit.write(projectFile, text)
}

export async function addSecretNow(place: Place, options: z.output<typeof addSecretOptions>): Promise<Written> {
  const { name, type, processing, displayName, description } = options
  const about: About = { ...(displayName && { displayName }), ...(description && { description }), type, processing }
  return await written(place, options, async (edit, open, own) => {
    const recipients = await recipientsFor(edit, open, own)
    await addSecret(edit, name, about, contentOf(options), recipients, new Date())
  })
}

export async function setSecretNow(place: Place, options: z.output<typeof setSecretOptions>): Promise<Written> {
  return await written(place, options, async (edit, open, own) => {
    const about = requireSecret(open.files, options.name)
    await seal(edit, options.name, about, contentOf(options), await recipientsFor(edit, open, own), new Date())
  })
}

export async function removeSecretNow(place: Place, options: z.output<typeof removeSecretOptions>): Promise<Written> {
  return await written(place, options, (edit, open) => removeSecret(edit, open, options.name))
}

export async function rekeyNow(place: Place, options: z.output<typeof rekeyOptions>): Promise<Rekeyed> {
  return await rekeyed(place, options, async (edit, open, own) => {
    return await rekey(edit, open.files, own, await recipientsFor(edit, open, own))
  })
}

export async function allowNow(place: Place, options: z.output<typeof allowOptions>): Promise<Rekeyed> {
  const { name, recipient } = options
  return await rekeyed(place, options, (edit, open, own) =>
    changeReaders(edit, open, own, operators => ({ ...operators, [name]: { age: recipient } })),
  )
}

export async function disallowNow(place: Place, options: z.output<typeof disallowOptions>): Promise<Rekeyed> {
  return await rekeyed(place, options, (edit, open, own) =>
    changeReaders(edit, open, own, operators => withoutReader(operators, options.name)),
  )
}

function contentOf({
  content,
  base64,
  random,
}: Pick<z.output<typeof setSecretOptions>, 'content' | 'base64' | 'random'>) {
  const given = [content, base64, random].filter(each => each !== undefined)
  if (given.length === 1) {
    if (random === true) return randomContent()
    return content === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(content)
  }
  throw new SecretsError('secret-content', `expected one of content, base64 and random, got ${given.length} of them`, {
    hint: 'A text goes into content, any bytes into base64; random generates a password.',
  })
}

type Change<Result> = (edit: ProjectEdit, open: OpenProject, own: OperatorIdentity) => Promise<Result>

async function rekeyed(
  place: Place,
  options: { commit?: string | undefined },
  change: Change<string[]>,
): Promise<Rekeyed> {
  let names: string[] = []
  const outcome = await written(place, options, async (...all) => {
    names = await change(...all)
  })
  return { ...outcome, rekeyed: names }
}

async function written(
  { directory, home }: Place,
  { commit }: { commit?: string | undefined },
  change: Change<unknown>,
): Promise<Written> {
  const open = await readProject(directory)
  const edit = new ProjectEdit(open.project.directory)
  await change(edit, open, await operatorIdentity(home))
  const files = await edit.apply(open.describe)
  return { written: files, ...(await committed(edit.directory, files, commit)) }
}
