/** `thymesh config|tag|device …`: the project's entries, each a JSON file, from the command line. */

import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import { HintedError } from '../../../protocol/errors.ts'
import { table } from '../../format/table.ts'
import { readProject } from '../../inputs/read-project.ts'
import { EditError, ProjectEdit } from '../../project/edit.ts'
import {
  addEntry,
  entryWords,
  fileOf,
  fullKey,
  pathOf,
  removeEntry,
  renameEntry,
  requireEntry,
  setKey,
  unsetKey,
  valueAt,
} from '../../project/entries.ts'
import { LocatedJson } from '../../project/located-json.ts'
import { list as listed } from '../../project/problem.ts'
import type { EntryFolder } from '../../project/schemas.ts'
import { editProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

/** Which kind of entry a command is about. */
export interface EntryOptions extends ProjectOptions {
  folder: EntryFolder
  name: string
}

export async function list(options: EntryOptions): Promise<undefined> {
  const { files } = await readProject(options.project)
  const entries = [...files[options.folder].values()].map(({ name, content }) => ({ name, ...content }))
  const cells = (entry: (typeof entries)[number]) => {
    const of = entry as Record<string, unknown>
    const modules = Object.keys((of.modules ?? {}) as object).join(' ') || '-'
    const tags = ((of.tags ?? []) as string[]).join(' ') || '-'
    const text = (key: string) => (typeof of[key] === 'string' ? String(of[key]) : '-')
    if (options.folder === 'devices') return [entry.name, text('config'), text('site'), tags, modules]
    if (options.folder === 'tags') return [entry.name, String(of.priority ?? 100), modules]
    return [entry.name, text('target') === '-' ? 'portable' : text('target'), tags, modules]
  }
  const heads: Record<EntryFolder, string[]> = {
    configs: ['CONFIG', 'TARGET', 'TAGS', 'MODULES'],
    tags: ['TAG', 'PRIORITY', 'MODULES'],
    devices: ['DEVICE', 'CONFIG', 'SITE', 'TAGS', 'MODULES'],
  }
  print(options, { [options.folder]: entries }, table(heads[options.folder], entries.map(cells)))
  return undefined
}

/** The file, or with a key what stands there. */
export async function show(options: EntryOptions & { key?: string }): Promise<undefined> {
  const { project, files } = await readProject(options.project)
  const file = fileOf(options.folder, options.name)
  const text = await requireEntry(new ProjectEdit(project.directory), options.folder, options.name, files)
  const { value } = new LocatedJson(file, text)
  if (options.key === undefined) {
    print(options, { name: options.name, file, content: value }, text.trimEnd())
    return undefined
  }
  const found = valueAt(value, pathOf(fullKey(options.folder, options.key), value))
  if (found === undefined) {
    throw new EditError('no-such-entry', `${file} has no ${options.key}`, {
      hint: `It has ${listed(Object.keys(value as object))}.`,
    })
  }
  print(
    options,
    { name: options.name, file, value: found },
    typeof found === 'string' ? found : JSON.stringify(found, null, 2),
  )
  return undefined
}

export interface AddOptions extends EntryOptions {
  config?: string
  site?: string
  system?: string
  target?: string
  type?: string
  displayName?: string
  description?: string
  priority?: number
  tag: string[]
  module: string[]
  set: string[]
}

export async function add(options: AddOptions): Promise<undefined> {
  const { folder, name } = options
  const assignments = options.set.map(assignment)
  return await editProject(options, `Added ${entryWords[folder]} ${name}`, async (edit, open) => {
    const { displayName, description, config, site, system, target, type, priority } = options
    const content = {
      ...{ displayName, description, config, site, type, system, target, priority },
      ...(options.tag.length > 0 && { tags: options.tag }),
      ...((folder !== 'devices' || options.module.length > 0) && {
        modules: Object.fromEntries(options.module.map(each => [each, {}])),
      }),
    }
    await addEntry(edit, folder, name, content)
    // Checked with the rest of it: a module may ask for a setting that has no default.
    for (const [key, value] of assignments) {
      const full = fullKey(folder, key)
      await setKey(edit, folder, name, full, readings(value, await declaredType(full, open)), open.files)
    }
  })
}

/** `web.port=8080`, at the first equals sign. */
function assignment(text: string): [key: string, value: string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new HintedError('usage', `--set: expected KEY=VALUE, got ${JSON.stringify(text)}`, {
    hint: 'Such as --set kiosk.url=https://example.org',
  })
}

export async function remove(options: EntryOptions): Promise<undefined> {
  const { folder, name } = options
  return await editProject(options, `Removed ${entryWords[folder]} ${name}`, (edit, { files }) =>
    removeEntry(edit, folder, name, files),
  )
}

export async function rename(options: EntryOptions & { to: string }): Promise<undefined> {
  const { folder, name, to } = options
  return await editProject(options, `${entryWords[folder]} ${name} is called ${to}`, (edit, { files }) =>
    renameEntry(edit, folder, [name, to], files),
  )
}

export async function set(options: EntryOptions & { key: string; value?: string; from?: string }): Promise<undefined> {
  const { folder, name } = options
  const key = fullKey(folder, options.key)
  const said = await saidValue(options)
  return await editProject(options, `Set ${key} of ${entryWords[folder]} ${name}`, async (edit, open) => {
    const declared = await declaredType(key, open)
    await setKey(edit, folder, name, key, readings(said, declared), open.files)
  })
}

export async function unset(options: EntryOptions & { key: string }): Promise<undefined> {
  const { folder, name } = options
  const key = fullKey(folder, options.key)
  return await editProject(options, `Unset ${key} of ${entryWords[folder]} ${name}`, (edit, { files }) =>
    unsetKey(edit, folder, name, key, files),
  )
}

async function saidValue({ value, from }: { value?: string; from?: string }): Promise<string> {
  if (value !== undefined && from === undefined) return value
  if (value !== undefined || from === undefined) {
    throw new HintedError('usage', 'expected either a value or --from FILE', {
      hint: 'A value is JSON, or text where the key takes text; --from - reads it from standard input.',
    })
  }
  return from === '-' ? await readStream(process.stdin) : await readFile(from, 'utf8')
}

/** The module's declaration of the setting, so that `8080` becomes a number or a text as declared. */
async function declaredType(key: string, open: Awaited<ReturnType<typeof readProject>>): Promise<unknown> {
  const [head, module, setting, ...deeper] = key.split('.')
  if (head !== 'modules' || module === undefined || setting === undefined || deeper.length > 0) return undefined
  const { describeModules } = await import('../../project/modules.ts')
  const described = await describeModules(open.project.directory, open.files.modules, open.describe)
  return described.modules[module]?.settings[setting]?.type
}

const textTypes = new Set<unknown>(['string', 'text', 'code', 'path', 'package', 'artifact'])

/** The ways to read a word, the likeliest first. */
function readings(said: string, declared: unknown): unknown[] {
  if (textTypes.has(declared)) return [said]
  try {
    const value: unknown = JSON.parse(said)
    return [value, said]
  } catch {
    return [said]
  }
}
