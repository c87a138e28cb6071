/** `thymesh secret …`: the project's secrets, from the command line. */

import { FleetHome } from '../../fleet/fleet-home.ts'
import { operatorName } from '../../fleet/names.ts'
import { table } from '../../format/table.ts'
import { writeContent } from '../../format/terminal.ts'
import { EditError, ProjectEdit } from '../../project/edit.ts'
import { setValue } from '../../project/edit-json.ts'
import { checkLayers } from '../../project/layers.ts'
import { describeModules } from '../../project/modules.ts'
import { list as listed } from '../../project/problem.ts'
import { parseProject, projectFile } from '../../project/project.ts'
import type { ProjectFile, SecretFile } from '../../project/schemas.ts'
import { contentFrom, editedContent, randomContent } from '../../secrets/content.ts'
import { SecretsError } from '../../secrets/errors.ts'
import { type OperatorIdentity, operatorIdentity } from '../../secrets/operator-identity.ts'
import { normalised } from '../../secrets/process.ts'
import {
  aboutFile,
  addSecret,
  cipherFile,
  openSecret,
  recipientsOf,
  rekey,
  requireSecret,
  seal,
} from '../../secrets/vault.ts'
import { editProject, type OpenProject, readProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

interface SecretOptions extends ProjectOptions {
  name: string
}

interface ContentOptions extends SecretOptions {
  from?: string
  random?: boolean
}

export async function list(options: ProjectOptions): Promise<undefined> {
  const open = await readProject(options)
  const users = await usersOf(open)
  const secrets = [...open.files.secrets.values()].flatMap(({ name, content }) =>
    content === undefined ? [] : [{ name, ...content, devices: users.get(name)?.devices ?? [] }],
  )
  const rows = secrets.map(({ name, type, processing, rotated, devices }) => [
    ...[name, type, processing, rotated ?? '-'],
    devices.join(' ') || '-',
  ])
  print(options, { secrets }, table(['SECRET', 'TYPE', 'PROCESSING', 'ROTATED', 'DEVICES'], rows))
  return undefined
}

export async function add(
  options: ContentOptions & Pick<SecretFile, 'type' | 'processing'> & { displayName?: string; description?: string },
): Promise<undefined> {
  const { name, type, processing, displayName, description } = options
  return await editProject(options, `Added secret ${name}`, async (edit, open) => {
    const recipients = await recipientsFor(edit, open, await identityOf(open))
    const content = options.random ? randomContent() : await contentFrom(name, type, options.from)
    const about = { ...(displayName && { displayName }), ...(description && { description }), type, processing }
    await addSecret(edit, name, about, content, recipients, new Date())
  })
}

/** New content: devices get it with the next deploy. */
export async function set(options: ContentOptions): Promise<undefined> {
  return await editProject(options, `Set secret ${options.name}`, async (edit, open) => {
    const about = requireSecret(open.files, options.name)
    const recipients = await recipientsFor(edit, open, await identityOf(open))
    const content = options.random ? randomContent() : await contentFrom(options.name, about.type, options.from)
    await seal(edit, options.name, about, content, recipients, new Date())
  })
}

export async function edit(options: SecretOptions): Promise<undefined> {
  const { name } = options
  return await editProject(options, `Edited secret ${name}`, async (project, open) => {
    const about = requireSecret(open.files, name)
    const own = await identityOf(open)
    const before = await openSecret(project, name, own)
    // Editors end a file with a new line, which is no other content.
    const after = normalised(name, about.type, await editedContent(name, before))
    if (Buffer.from(before).equals(Buffer.from(after))) return
    await seal(project, name, about, after, await recipientsFor(project, open, own), new Date())
  })
}

/** The content, to standard output and nowhere else. */
export async function show(options: SecretOptions): Promise<undefined> {
  const open = await readProject(options)
  const about = requireSecret(open.files, options.name)
  const bytes = await openSecret(new ProjectEdit(open.project.directory), options.name, await identityOf(open))
  if (options.json) {
    const text =
      about.type === 'file'
        ? { base64: Buffer.from(bytes).toString('base64') }
        : { content: Buffer.from(bytes).toString() }
    print(options, { name: options.name, type: about.type, ...text }, '')
  } else writeContent(Buffer.concat([bytes, Buffer.from(about.type === 'single-line' ? '\n' : '')]))
  return undefined
}

export async function remove(options: SecretOptions): Promise<undefined> {
  return await editProject(options, `Removed secret ${options.name}`, async (project, open) => {
    requireSecret(open.files, options.name)
    const places = (await usersOf(open)).get(options.name)?.places ?? []
    if (places.length > 0) {
      throw new EditError('in-use', `the secret ${options.name} is in use: ${places.join(', ')}`, {
        hint: 'Change these settings first.',
      })
    }
    await project.remove(cipherFile(options.name))
    await project.remove(aboutFile(options.name))
  })
}

/** Encrypts all to the operators as thymesh.json has them. */
export async function rekeyAll(options: ProjectOptions): Promise<undefined> {
  return await editProject(options, 'Re-encrypted', async (project, open) => {
    const own = await identityOf(open)
    const rekeyed = await rekey(project, open.files, own, await recipientsFor(project, open, own))
    return { rekeyed }
  })
}

/** One's own recipient, for another operator to allow. */
export async function identity(options: ProjectOptions): Promise<undefined> {
  const { recipient } = await identityOf(await readProject(options))
  print(options, { recipient }, recipient)
  return undefined
}

/** Lets another operator read the secrets: all of them are encrypted anew. */
export async function allow(options: SecretOptions & { recipient: string }): Promise<undefined> {
  const { name, recipient } = options
  return await changeOperators(options, `${name} can read the secrets`, open => ({
    ...open.project.operators,
    [name]: { age: recipient },
  }))
}

/** A removed operator still knows the contents that were readable before: rotate them too. */
export async function disallow(options: SecretOptions): Promise<undefined> {
  const { name } = options
  const words = `${name} can't read the secrets from now on, but knows those that were readable: rotate them`
  return await changeOperators(options, words, open => {
    const { [name]: gone, ...others } = open.project.operators ?? {}
    if (gone !== undefined) return others
    throw new SecretsError('not-an-operator', `${projectFile} has no operator ${name}`, {
      hint: `It has ${listed(Object.keys(others))}.`,
    })
  })
}

async function changeOperators(
  options: ProjectOptions,
  what: string,
  change: (open: OpenProject) => NonNullable<ProjectFile['operators']>,
): Promise<undefined> {
  return await editProject(options, what, async (project, open) => {
    const own = await identityOf(open)
    await recipientsFor(project, open, own)
    const before = parseProject((await project.read(projectFile)) ?? '', projectFile)
    const operators = change({ ...open, project: { ...open.project, ...before } })
    await writeOperators(project, operators)
    return { rekeyed: await rekey(project, open.files, own, recipientsOf({ operators }, own)) }
  })
}

/** The recipients of a new ciphertext. The first operator who has a secret is added to thymesh.json. */
async function recipientsFor(project: ProjectEdit, open: OpenProject, own: OperatorIdentity): Promise<string[]> {
  const { operators } = open.project
  if (operators !== undefined && Object.keys(operators).length > 0) return recipientsOf(open.project, own)
  const first = { [operatorName()]: { age: own.recipient } }
  await writeOperators(project, first)
  return recipientsOf({ operators: first }, own)
}

async function writeOperators(project: ProjectEdit, operators: NonNullable<ProjectFile['operators']>): Promise<void> {
  const order = ['$schema', 'fleet', 'name', 'bootstrap', 'operators', 'inputs', 'autoUpdate']
  const text = setValue((await project.read(projectFile)) ?? '', ['operators'], operators, order)
  parseProject(text, projectFile)
  await project.write(projectFile, text)
}

function identityOf({ project }: OpenProject): Promise<OperatorIdentity> {
  return operatorIdentity(new FleetHome(project.fleet))
}

/** Where each secret is set, and the devices whose configs those places are. */
async function usersOf({
  project,
  files,
  describe,
}: OpenProject): Promise<Map<string, { places: string[]; devices: string[] }>> {
  const { modules, problems } = await describeModules(project.directory, files.modules, describe)
  const { mentions } = await checkLayers(project.directory, files, modules, problems.length === 0)
  const users = new Map<string, { places: string[]; devices: string[] }>()
  for (const { kind, name, place } of mentions) {
    if (kind !== 'secret') continue
    const { file } = place.json
    const devices = [...files.devices.values()].filter(device => {
      const config = files.configs.get(device.content?.config ?? '')
      const tags = [...(config?.content?.tags ?? []), ...(device.content?.tags ?? [])].map(tag => `tags/${tag}.json`)
      return [device.json.file, config?.json.file, ...tags].includes(file)
    })
    const known = users.get(name) ?? { places: [], devices: [] }
    users.set(name, {
      places: [...known.places, `${file} (${place.path.join('.')})`],
      devices: [...new Set([...known.devices, ...devices.map(device => device.name)])].sort(),
    })
  }
  return users
}
