/** The modules of a config, tag or device, and where each of their values comes from: the project's files as layers. */

import type { DataFile, ProjectFiles } from './files.ts'
import type { ModuleDescriptions } from './modules.ts'
import type { Position } from './problem.ts'
import type { EntryFolder } from './schemas.ts'
import { type Layer, type Resolved, resolveSettings } from './values.ts'

type Entry = DataFile<{ modules?: Record<string, Record<string, unknown>> | undefined; tags?: string[] | undefined }>
type Place = Pick<Layer, 'level' | 'name' | 'rank'> & { readonly entry: Entry }

/** Where a value stands; a module's default stands in no data file. */
export interface ValueSource {
  readonly level: Layer['level']
  readonly name: string
  /** Of a tag. */
  readonly priority: number | null
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  readonly value: unknown
}

/** One setting, or one of a group: `path` leads to it below its module. */
export interface EntryValue {
  readonly module: string
  readonly path: string[]
  readonly value: unknown
  readonly from: ValueSource | null
  readonly adds: ValueSource[]
  readonly overrides: ValueSource[]
  readonly conflict: boolean
  readonly visible: boolean
}

export interface EntryModule {
  readonly name: string
  /** Files that install it, the one that counts most first. */
  readonly files: string[]
}

/** As a build of the entry sees it; a tag by itself. */
export function entryValues(
  folder: EntryFolder,
  name: string,
  files: ProjectFiles,
  modules: ModuleDescriptions,
): { modules: EntryModule[]; values: EntryValue[] } {
  const places = placesOf(folder, name, files)
  const modulesOf = ({ entry }: Place) => entry.content?.modules ?? {}
  const names = [...new Set(places.flatMap(place => Object.keys(modulesOf(place))))]
  const values = names.flatMap(module => {
    const described = Object.hasOwn(modules, module) ? modules[module] : undefined
    if (described === undefined) return []
    const layers = places.flatMap(place => {
      const said = modulesOf(place)
      if (!Object.hasOwn(said, module)) return []
      const { level, name: from, rank, entry } = place
      return [{ level, name: from, rank, json: entry.json, path: ['modules', module], value: said[module] }]
    })
    return rowsOf(module, [], resolveSettings(module, described.settings, layers))
  })
  const installed = names.map(module => ({
    name: module,
    files: places.filter(place => Object.hasOwn(modulesOf(place), module)).map(({ entry }) => entry.json.file),
  }))
  return { modules: installed, values }
}

/** The place that counts most first, as nix/lib/evaluate.nix has them. */
function placesOf(folder: EntryFolder, name: string, files: ProjectFiles): Place[] {
  const own = files[folder].get(name) as Entry | undefined
  if (own === undefined) return []
  if (folder === 'tags') return [{ level: 'tag', name, rank: priorityOf(name, files), entry: own }]
  const device = folder === 'devices' ? files.devices.get(name) : undefined
  const config = device === undefined ? files.configs.get(name) : files.configs.get(device.content?.config ?? '')
  const tags = [...new Set([...(config?.content?.tags ?? []), ...(device?.content?.tags ?? [])])]
  const worn = tags.flatMap((tag): Place[] => {
    const entry = files.tags.get(tag)
    return entry === undefined ? [] : [{ level: 'tag', name: tag, rank: priorityOf(tag, files), entry }]
  })
  return [
    ...(device === undefined ? [] : [{ level: 'device' as const, name, rank: -2, entry: device as Entry }]),
    ...(config === undefined
      ? []
      : [{ level: 'config' as const, name: config.name, rank: -1, entry: config as Entry }]),
    ...worn.sort((a, b) => a.rank - b.rank),
  ]
}

/** As in nix/lib/tag.nix. */
const usualPriority = 100

function priorityOf(tag: string, { tags }: ProjectFiles): number {
  return tags.get(tag)?.content?.priority ?? usualPriority
}

function rowsOf(module: string, above: readonly string[], settings: Readonly<Record<string, Resolved>>): EntryValue[] {
  return Object.entries(settings).flatMap(([key, { inner, value, from, adds, overrides, conflict, visible }]) => {
    const path = [...above, key]
    if (inner !== undefined) return rowsOf(module, path, inner)
    const row = {
      ...{ module, path, value, conflict, visible, from: from === undefined ? null : sourceOf(from) },
      ...{ adds: adds.map(sourceOf), overrides: overrides.map(sourceOf) },
    }
    return [row]
  })
}

function sourceOf({ level, name, rank, json, path, value }: Layer): ValueSource {
  const at: Position | undefined = json?.problem(path, '').at
  return {
    ...{ level, name, priority: level === 'tag' ? rank : null },
    ...{ file: json?.file ?? null, line: at?.line ?? null, column: at?.column ?? null, value },
  }
}
