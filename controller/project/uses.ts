/** Who uses what in a project: files that name an entry or install a module, settings that name a secret. */

import { ThymeshError } from '../../protocol/errors.ts'
import type { ProjectFiles } from './files.ts'
import { checkLayers } from './layers.ts'
import type { JsonPath } from './located-json.ts'
import { type DescribedModules, type DescribeOptions, describeModules } from './modules.ts'
import { problemText } from './problem.ts'
import type { EntryFolder } from './schemas.ts'

/** Of a secret or an artifact. */
export interface Users {
  /** Files with the keys in them. */
  readonly places: readonly string[]
  readonly devices: readonly string[]
  /** The same of modules that can't be read: there is a text like it, and only the module says whether it means this. */
  readonly maybe: readonly string[]
}

export interface AllUsers {
  /** By the name or path that stands in the settings. */
  readonly users: ReadonlyMap<string, Users>
  /** Why not all modules could be read; nothing where they could. */
  readonly unread: string | undefined
}

/** Files of entries that name this one. */
export function usersOf(folder: EntryFolder, name: string, { configs, devices }: ProjectFiles): string[] {
  if (folder === 'devices') return []
  const naming = [...configs.values(), ...devices.values()].filter(({ content }) => {
    if (folder === 'tags') return content?.tags?.includes(name) ?? false
    return content !== undefined && 'config' in content && content.config === name
  })
  return naming.map(({ json }) => json.file)
}

/** Files of entries that install this module. */
export function moduleUsers(name: string, { configs, tags, devices }: ProjectFiles): string[] {
  const all = [...configs.values(), ...tags.values(), ...devices.values()]
  return all.filter(({ content }) => Object.hasOwn(content?.modules ?? {}, name)).map(({ json }) => json.file)
}

/** Where each secret or artifact is set, and the devices whose configs those places are. */
export async function mentionUsers(
  of: 'secret' | 'artifact',
  directory: string,
  files: ProjectFiles,
  describe: DescribeOptions,
): Promise<AllUsers> {
  const { modules, problems } = await readable(describeModules(directory, files.modules, describe))
  const { mentions } = await checkLayers(directory, files, modules, problems.length === 0)
  const users = new Map<string, Users>()
  const add = (name: string, more: Partial<Users>) => {
    const known = users.get(name) ?? { places: [], devices: [], maybe: [] }
    users.set(name, {
      places: [...known.places, ...(more.places ?? [])],
      devices: [...new Set([...known.devices, ...(more.devices ?? [])])].sort(),
      maybe: [...known.maybe, ...(more.maybe ?? [])],
    })
  }
  for (const { kind, name, place } of mentions) {
    if (kind !== of) continue
    const { file } = place.json
    add(name, { places: [placeText(file, place.path)], devices: devicesOf(file, files) })
  }
  if (problems.length > 0) {
    for (const { text, place } of unreadTexts(files, Object.keys(modules))) add(text, { maybe: [place] })
  }
  return { users, unread: problems.length === 0 ? undefined : problems.map(problemText).join('\n') }
}

/** What stops all reading, such as an input that can't be fetched, is a problem like those of single modules. */
async function readable(described: Promise<DescribedModules>): Promise<Pick<DescribedModules, 'modules' | 'problems'>> {
  try {
    return await described
  } catch (thrown) {
    if (!(thrown instanceof ThymeshError)) throw thrown
    return { modules: {}, problems: [{ file: 'flake.nix', at: undefined, key: '', message: thrown.message }] }
  }
}

/** Devices that have a file of an entry. */
function devicesOf(file: string, files: ProjectFiles): string[] {
  const having = [...files.devices.values()].filter(device => {
    const config = files.configs.get(device.content?.config ?? '')
    const tags = [...(config?.content?.tags ?? []), ...(device.content?.tags ?? [])].map(tag => `tags/${tag}.json`)
    return [device.json.file, config?.json.file, ...tags].includes(file)
  })
  return having.map(({ name }) => name)
}

/** All texts in settings of modules whose declarations are not known, with their places. */
function unreadTexts({ configs, tags, devices }: ProjectFiles, known: readonly string[]) {
  return [...configs.values(), ...tags.values(), ...devices.values()].flatMap(({ content, json: { file } }) =>
    Object.entries(content?.modules ?? {})
      .filter(([name]) => !known.includes(name))
      .flatMap(([name, values]) => textsIn(values, ['modules', name]))
      .map(({ text, path }) => ({ text, place: placeText(file, path) })),
  )
}

function textsIn(value: unknown, path: JsonPath): { text: string; path: JsonPath }[] {
  if (typeof value === 'string') return [{ text: value, path }]
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([key, each]) => textsIn(each, [...path, key]))
}

function placeText(file: string, path: JsonPath): string {
  return `${file} (${path.join('.')})`
}
