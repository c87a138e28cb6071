/** Orders about what comes from outside: flake inputs, their updates, and a Thymis project. */

import type { z } from 'zod'
import { HintedError } from '../../protocol/errors.ts'
import type {
  AutoUpdated,
  addInputOptions,
  autoUpdateOptions,
  importedSchema,
  importOptions,
  inputChangedSchema,
  removeInputOptions,
  updatedSchema,
  updateOptions,
} from '../api/schemas/project-orders.ts'
import { credentialsOf } from '../inputs/credentials.ts'
import { describeOptions } from '../inputs/describe-options.ts'
import { addInput, removeInput } from '../inputs/flake-text.ts'
import { lockFile, movedInputs, newLock, parseLock } from '../inputs/lock.ts'
import { commitLock, findMoves } from '../inputs/move.ts'
import { readProject } from '../inputs/read-project.ts'
import { ProjectEdit } from '../project/edit.ts'
import { setValue } from '../project/edit-json.ts'
import { addEntry } from '../project/entries.ts'
import { openProject, parseProject, projectFile } from '../project/project.ts'
import { convertThymis } from '../project/thymis/convert.ts'
import { readThymisState } from '../project/thymis/state.ts'
import { withTree } from '../project/tree.ts'
import { autoUpdate } from '../release/auto-update.ts'
import type { Session } from '../session/session.ts'
import type { Talk } from '../tasks/talk.ts'
import type { Place } from './order.ts'

export async function update(
  { directory }: Place,
  { project: folder, names, commit }: z.output<typeof updateOptions>,
  talk: Talk,
): Promise<z.infer<typeof updatedSchema>> {
  const { project, describe } = await readProject(folder ?? directory)
  const edit = new ProjectEdit(project.directory)
  await edit.read(lockFile)
  talk.step('Looking for newer inputs')
  const { text, moved } = await withTree(project, tree => findMoves(project, tree, names, describe.store, talk.signal))
  talk.signal.throwIfAborted()
  if (moved.length > 0) {
    await edit.write(lockFile, text)
    await edit.save()
  }
  if (moved.length > 0 && commit !== false) {
    await commitLock(project.directory, moved, commit === true ? undefined : commit)
  }
  return { moved: [...moved] }
}

export async function inputAdd(
  place: Place,
  options: z.output<typeof addInputOptions>,
  talk: Talk,
): Promise<z.infer<typeof inputChangedSchema>> {
  return await changeFlake(place, options, talk, text => addInput(text, options.name, options.url))
}

export async function inputRemove(
  place: Place,
  options: z.output<typeof removeInputOptions>,
  talk: Talk,
): Promise<z.infer<typeof inputChangedSchema>> {
  return await changeFlake(place, { ...options, forget: true }, talk, text => removeInput(text, options.name))
}

interface FlakeChange {
  readonly project?: string | undefined
  readonly name: string
  /** The secret that the input needs from now on. */
  readonly secret?: string | undefined
  /** Whether thymesh.json is to say nothing more of the input. */
  readonly forget?: boolean
}

/** Edits flake.nix and locks, in a copy first: the project changes when Nix has accepted all of it. */
async function changeFlake(
  { directory }: Place,
  { project: folder, name, secret, forget = false }: FlakeChange,
  talk: Talk,
  change: (text: string) => string,
): Promise<z.infer<typeof inputChangedSchema>> {
  const { project, describe } = await readProject(folder ?? directory)
  const edit = new ProjectEdit(project.directory)
  const flake = change((await edit.read('flake.nix')) ?? '')
  await edit.write('flake.nix', flake)
  if (secret !== undefined) {
    const text = setValue((await edit.read(projectFile)) ?? '', ['inputs', name], { secret })
    parseProject(text, projectFile)
    await edit.write(projectFile, text)
  }
  const { [name]: known, ...others } = project.inputs ?? {}
  if (forget && known !== undefined) {
    const path = Object.keys(others).length === 0 ? ['inputs'] : ['inputs', name]
    await edit.write(projectFile, setValue((await edit.read(projectFile)) ?? '', path, undefined))
  }
  const secrets = { ...(forget ? others : project.inputs), ...(secret !== undefined && { [name]: { secret } }) }
  const credentials = await credentialsOf(project, secrets)
  const before = await edit.read(lockFile)
  const { store } = describe
  talk.step('Locking the inputs')
  const lock = await withTree(
    project,
    async tree => await newLock(await tree.folder(), { names: 'missing', credentials, store, signal: talk.signal }),
    { changed: { 'flake.nix': flake } },
  )
  if (lock !== undefined) await edit.write(lockFile, lock)
  talk.step('Checking the project')
  const written = await edit.apply({ ...describe, signal: talk.signal })
  return { written, moved: [...movedInputs(parseLock(before), parseLock(lock))] }
}

/** What the project's schedule does, now. The project is read anew: a person may have changed it meanwhile. */
export async function autoUpdateNow(
  session: Session,
  _: z.output<typeof autoUpdateOptions>,
  talk: Talk,
): Promise<AutoUpdated> {
  const project = await openProject(session.directory)
  return await autoUpdate(session, project, { ...(await describeOptions(project)), talk })
}

/** Takes the configs and tags of a Thymis project over. */
export async function importThymis(
  { directory }: Place,
  options: z.output<typeof importOptions>,
  talk: Talk,
): Promise<z.infer<typeof importedSchema>> {
  const { tags, configs, secrets, left } = convertThymis(await readThymisState(options.directory))
  const { project, files, describe } = await readProject(options.project ?? directory)
  // Thymis's project names secrets; their values are in its database.
  const missing = secrets.filter(name => !files.secrets.has(name))
  if (missing.length > 0) {
    throw new HintedError(
      'secrets-missing',
      `expected the secrets ${secrets.join(', ')}; the project lacks ${missing.join(', ')}`,
      { hint: `Add each first: ${missing.map(name => `thymesh secret add ${name}`).join('; ')}` },
    )
  }
  const edit = new ProjectEdit(project.directory)
  for (const [name, content] of tags) await addEntry(edit, 'tags', name, content)
  for (const [name, content] of configs) await addEntry(edit, 'configs', name, content)
  for (const sentence of left) talk.note(`left: ${sentence}`)
  talk.step('Checking the project')
  return { written: await edit.apply({ ...describe, signal: talk.signal }), secrets: [...secrets], left: [...left] }
}
