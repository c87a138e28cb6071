/** Configs, tags and devices as entries of the project: made, changed, renamed and taken away, one file each. */

import { z } from 'zod'
import { selectorsOf, withoutDevice } from '../../protocol/alerts/selectors.ts'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { alertsFile } from './alerts.ts'
import { EditError, entryExists, type ProjectEdit } from './edit.ts'
import { newText, setValue } from './edit-json.ts'
import type { ProjectFiles } from './files.ts'
import { type JsonPath, LocatedJson } from './located-json.ts'
import { CheckError, list, suggestion } from './problem.ts'
import { configSchema, deviceSchema, type EntryFolder, tagSchema } from './schemas.ts'
import { usersOf } from './uses.ts'

export const entryWords: Record<EntryFolder, string> = { configs: 'config', tags: 'tag', devices: 'device' }
const schemas = { configs: configSchema, tags: tagSchema, devices: deviceSchema } as const

export function fileOf(folder: EntryFolder, name: string): string {
  return `${folder}/${name}.json`
}

export async function addEntry(edit: ProjectEdit, folder: EntryFolder, name: string, content: object): Promise<void> {
  const file = fileOf(folder, checkedName(folder, name))
  if ((await edit.read(file)) !== undefined) {
    throw entryExists(`${entryWords[folder]} ${name}`, file)
  }
  await edit.write(file, newText(content))
}

/** Takes an entry away, unless another one names it. Alerts forget a device. */
export async function removeEntry(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  files: ProjectFiles,
): Promise<void> {
  await requireEntry(edit, folder, name, files)
  const users = usersOf(folder, name, files)
  if (users.length > 0) {
    throw new EditError('in-use', `the ${entryWords[folder]} ${name} is in use: ${list(users)}`, {
      hint: 'Change these files first.',
    })
  }
  await edit.remove(fileOf(folder, name))
  if (folder === 'devices') await forgetInAlerts(edit, name, files)
}

/** A new name for an entry, in its file's name and wherever others name it. */
export async function renameEntry(
  edit: ProjectEdit,
  folder: EntryFolder,
  [from, to]: [string, string],
  files: ProjectFiles,
): Promise<void> {
  const text = await requireEntry(edit, folder, from, files)
  const file = fileOf(folder, checkedName(folder, to))
  if ((await edit.read(file)) !== undefined) {
    throw entryExists(`${entryWords[folder]} ${to}`, file)
  }
  await edit.write(file, text)
  await edit.remove(fileOf(folder, from))
  for (const user of usersOf(folder, from, files)) {
    const before = (await edit.read(user)) ?? ''
    const value = new LocatedJson(user, before).value as { tags?: string[] }
    const path = folder === 'configs' ? ['config'] : ['tags', value.tags?.indexOf(from) ?? 0]
    await edit.write(user, setValue(before, path, to))
  }
  if (folder !== 'configs') await renameInAlerts(edit, folder, [from, to], files)
}

/** Also of a device that the project does not declare. */
export async function renameInAlerts(
  edit: ProjectEdit,
  folder: 'devices' | 'tags',
  [from, to]: [string, string],
  { alerts }: ProjectFiles,
): Promise<void> {
  for (const { path, selector } of alerts?.content === undefined ? [] : selectorsOf(alerts.content)) {
    for (const [at, name] of (selector[folder] ?? []).entries()) {
      if (name !== from) continue
      const before = (await edit.read(alertsFile)) ?? ''
      await edit.write(alertsFile, setValue(before, [...path, folder, at], to))
    }
  }
}

/** Takes a device that is gone out of rules and channels that choose others too; what names it alone is left to a person. */
export async function forgetInAlerts(edit: ProjectEdit, device: string, { alerts }: ProjectFiles): Promise<void> {
  for (const { path, selector } of alerts?.content === undefined ? [] : selectorsOf(alerts.content)) {
    const left = withoutDevice(selector, device)
    if (left === selector) continue
    const before = (await edit.read(alertsFile)) ?? ''
    await edit.write(alertsFile, setValue(before, [...path, 'devices'], left.devices))
  }
}

/** Sets a key of an entry; what is text and what is JSON in `said` is decided by what the key takes. */
export async function setKey(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  key: string,
  values: readonly unknown[],
  files: ProjectFiles,
): Promise<void> {
  const file = fileOf(folder, name)
  const text = await requireEntry(edit, folder, name, files)
  const path = pathOf(key, new LocatedJson(file, text).value)
  const order = path.length === 1 ? keysOf(folder) : []
  const [first, ...others] = values
  let best = setValue(text, path, first, order)
  // Of several ways to read a word, the first that the key can be.
  for (const value of [first, ...others]) {
    const next = setValue(text, path, value, order)
    if (!fits(folder, file, next)) continue
    best = next
    break
  }
  await edit.write(file, best)
}

/** Sets what stands at a path. Throws an EditError where the path leads through what is no object or list. */
export async function setPath(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  path: JsonPath,
  value: unknown,
  files: ProjectFiles,
): Promise<void> {
  const text = await requireEntry(edit, folder, name, files)
  await edit.write(fileOf(folder, name), setValue(text, path, value, path.length === 1 ? keysOf(folder) : []))
}

export async function unsetPath(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  path: JsonPath,
  files: ProjectFiles,
): Promise<void> {
  const file = fileOf(folder, name)
  const text = await requireEntry(edit, folder, name, files)
  const { value } = new LocatedJson(file, text)
  if (valueAt(value, path) === undefined) {
    throw new EditError('no-such-entry', `${file} has no ${path.join('.')}`, {
      hint: `It has ${list(Object.keys(value as object))}.`,
    })
  }
  await edit.write(file, setValue(text, path, undefined))
}

/** The whole file as a person has typed it, whatever it says: the check finds what is wrong. */
export async function writeEntry(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  text: string,
  files: ProjectFiles,
): Promise<void> {
  const file = fileOf(folder, name)
  if (!files[folder].has(name) || (await edit.read(file)) === undefined) throw noSuchEntry(folder, name, files)
  await edit.write(file, text)
}

export async function unsetKey(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  key: string,
  files: ProjectFiles,
): Promise<void> {
  const text = await requireEntry(edit, folder, name, files)
  await unsetPath(edit, folder, name, pathOf(key, new LocatedJson(fileOf(folder, name), text).value), files)
}

function fits(folder: EntryFolder, file: string, text: string): boolean {
  const json = new LocatedJson(file, text)
  return json.problems.length === 0 && schemas[folder].safeParse(json.value).success
}

function keysOf(folder: EntryFolder): string[] {
  return Object.keys(schemas[folder].shape)
}

/** `web.port` said in short is `modules.web.port`, where the file has no key `web` of its own. */
export function fullKey(folder: EntryFolder, key: string): string {
  const [head = '', ...deeper] = key.split('.')
  return deeper.length === 0 || keysOf(folder).includes(head) ? key : `modules.${key}`
}

/** `modules.web.port` as a path. A module of an input, whose name has a slash, has no dots; numbers count list entries. */
export function pathOf(key: string, value: unknown): JsonPath {
  const parts = key.split('.')
  if (parts.some(part => part === '')) {
    throw new EditError('invalid-name', `expected a key such as modules.web.port, got ${JSON.stringify(key)}`, {
      hint: 'Write the names on the way to it with one dot between them.',
    })
  }
  let at = value
  return parts.map(part => {
    const index = Array.isArray(at) && /^\d+$/.test(part) ? Number(part) : part
    at = valueAt(at, [index])
    return index
  })
}

export function valueAt(value: unknown, path: JsonPath): unknown {
  return path.reduce<unknown>(
    (at, key) => (at !== null && typeof at === 'object' ? (at as Record<string | number, unknown>)[key] : undefined),
    value,
  )
}

/** An entry's text; refused when it is no JSON, since an edit could then change anything. */
export async function requireEntry(
  edit: ProjectEdit,
  folder: EntryFolder,
  name: string,
  files: ProjectFiles,
): Promise<string> {
  const file = fileOf(folder, name)
  // The file of no other name is looked at: a name could lead out of the folder.
  const text = nameSchema.safeParse(name).success ? await edit.read(file) : undefined
  if (text === undefined) throw noSuchEntry(folder, name, files)
  const { problems } = new LocatedJson(file, text)
  if (problems.length > 0) throw new CheckError(problems)
  return text
}

function noSuchEntry(folder: EntryFolder, name: string, files: ProjectFiles): EditError {
  const known = [...files[folder].keys()]
  return new EditError('no-such-entry', `the project has no ${entryWords[folder]} ${name} (${fileOf(folder, name)})`, {
    hint: `The project has ${list(known)}${suggestion(name, known) || '.'}`,
  })
}

/** Throws an EditError where nothing can have this name. */
export function checkedName(folder: EntryFolder, name: string): string {
  const parsed = nameSchema.safeParse(name)
  if (parsed.success) return name
  const words = z.prettifyError(parsed.error).replace(/^✖ /, '')
  throw new EditError('invalid-name', `${entryWords[folder]}: ${words}, got ${JSON.stringify(name)}`, {
    hint: 'Choose another name.',
  })
}
