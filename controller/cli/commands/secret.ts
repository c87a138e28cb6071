/** `thymesh secret …`: the project's secrets, from the command line. */

import { FleetHome } from '../../fleet/fleet-home.ts'
import { table } from '../../format/table.ts'
import { writeContent } from '../../format/terminal.ts'
import { type OpenProject, readProject } from '../../inputs/read-project.ts'
import { changeReaders, recipientsFor, removeSecret, withoutReader } from '../../orders/secrets.ts'
import { ProjectEdit } from '../../project/edit.ts'
import type { SecretFile } from '../../project/schemas.ts'
import { querySecrets } from '../../queries/sources.ts'
import { contentFrom, editedContent, randomContent } from '../../secrets/content.ts'
import { type OperatorIdentity, operatorIdentity } from '../../secrets/operator-identity.ts'
import { normalised } from '../../secrets/process.ts'
import { addSecret, openSecret, rekey, requireSecret, seal } from '../../secrets/vault.ts'
import { usesUnread } from '../../views/uses.ts'
import { editProject } from '../shell/edit-project.ts'
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
  const { secrets, unread } = await querySecrets({ directory: options.project })
  const rows = secrets.map(({ name, type, processing, rotated, devices, maybe }) => [
    ...[name, type, processing, rotated ?? '-'],
    [...devices, ...(maybe.length > 0 ? ['?'] : [])].join(' ') || '-',
  ])
  print(
    options,
    { secrets, unread },
    table(['SECRET', 'TYPE', 'PROCESSING', 'ROTATED', 'DEVICES'], rows) + usesUnread(unread),
  )
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
  const open = await readProject(options.project)
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

export async function remove(options: SecretOptions & { force?: boolean }): Promise<undefined> {
  return await editProject(options, `Removed secret ${options.name}`, async (project, open) => {
    await removeSecret(project, open, options.name, options.force ?? false)
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
  const { recipient } = await identityOf(await readProject(options.project))
  print(options, { recipient }, recipient)
  return undefined
}

/** Lets another operator read the secrets: all of them are encrypted anew. */
export async function allow(options: SecretOptions & { recipient: string }): Promise<undefined> {
  const { name, recipient } = options
  return await editProject(options, `${name} can read the secrets`, async (project, open) => {
    const change = (operators: object) => ({ ...operators, [name]: { age: recipient } })
    return { rekeyed: await changeReaders(project, open, await identityOf(open), change) }
  })
}

/** A removed operator still knows the contents that were readable before: rotate them too. */
export async function disallow(options: SecretOptions): Promise<undefined> {
  const { name } = options
  const words = `${name} can't read the secrets from now on, but knows those that were readable: rotate them`
  return await editProject(options, words, async (project, open) => {
    const rekeyed = await changeReaders(project, open, await identityOf(open), all => withoutReader(all, name))
    return { rekeyed }
  })
}

function identityOf({ project }: OpenProject): Promise<OperatorIdentity> {
  return operatorIdentity(new FleetHome(project.fleet))
}
