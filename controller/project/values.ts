/**
 * The values of a module's settings out of what device, config, tags and module say, each with the places that it comes from and
 * those that it overrides. The rules are those of nix/lib/layers.nix, which releases are made with; a test compares the two.
 */

import { isDeepStrictEqual } from 'node:util'
import type { JsonPath, LocatedJson } from './located-json.ts'
import type { SettingDescription } from './modules.ts'

/** One place that says something of a module. The lower rank wins. */
export interface Layer {
  readonly level: 'device' | 'config' | 'tag' | 'module'
  /** Of the device, config, tag or module. */
  readonly name: string
  readonly rank: number
  /** Nothing for a module's default. */
  readonly json: LocatedJson | undefined
  readonly path: JsonPath
  readonly value: unknown
}

export interface Resolved {
  /** Null where nobody says anything. */
  readonly value: unknown
  readonly from: Layer | undefined
  /** Of a list: further places whose elements are in it. */
  readonly adds: readonly Layer[]
  /** Places that say something else, which doesn't count. */
  readonly overrides: readonly Layer[]
  /** Whether two places of one rank say different things: a build refuses that. */
  readonly conflict: boolean
  /** Whether the values beside it let it count. */
  readonly visible: boolean
  /** The settings of a group. */
  readonly inner: Readonly<Record<string, Resolved>> | undefined
}

type Settings = Readonly<Record<string, SettingDescription>>
type Merged = Omit<Resolved, 'visible'>

/** The default counts less than any tag. */
const moduleRank = 1_000_000

/** Each setting of a module; layers' values are objects, setting → value. */
export function resolveSettings(
  module: string,
  declared: Settings,
  layers: readonly Layer[],
): Record<string, Resolved> {
  const raw = Object.entries(declared).map(([key, declaration]) => {
    const said = layers.flatMap(layer => below(layer, key))
    return [key, merge(module, declaration, said)] as const
  })
  const values = new Map(raw.map(([key, { value }]) => [key, value]))
  const isVisible = (key: string): boolean => {
    const conditions = Object.entries((declared[key]?.visible ?? {}) as Record<string, unknown[]>)
    return conditions.every(([other, wanted]) => isVisible(other) && includes(wanted, values.get(other)))
  }
  return Object.fromEntries(
    raw.map(([key, merged]) => {
      const visible = isVisible(key)
      const counts = visible && !(merged.from === undefined && layers.length === 0)
      const value = counts ? merged.value : (declared[key]?.default ?? null)
      return [key, { ...merged, value, visible }]
    }),
  )
}

function below(layer: Layer, key: string): Layer[] {
  if (!isObject(layer.value) || !Object.hasOwn(layer.value, key)) return []
  return [{ ...layer, path: [...layer.path, key], value: layer.value[key] }]
}

function merge(module: string, declaration: SettingDescription, layers: readonly Layer[]): Merged {
  const said = [...layers].sort((a, b) => a.rank - b.rank)
  if ('default' in declaration) {
    said.push({
      ...{ level: 'module', name: module, rank: moduleRank },
      ...{ json: undefined, path: [], value: declaration.default },
    })
  }
  if (declaration.type === 'group') return mergeGroup(module, declaration, said)
  if (declaration.type === 'list') return mergeList(module, declaration, said)
  const [from, ...others] = said
  const rivals = others.filter(({ rank, value }) => rank === from?.rank && !isDeepStrictEqual(value, from.value))
  return {
    ...{ value: from?.value ?? null, from, adds: [], inner: undefined },
    ...{ overrides: others.filter(({ level }) => level !== 'module'), conflict: rivals.length > 0 },
  }
}

function mergeGroup(module: string, declaration: SettingDescription, said: readonly Layer[]): Merged {
  const inner = resolveSettings(module, declaration.settings ?? {}, said)
  const value = Object.fromEntries(Object.entries(inner).map(([key, each]) => [key, each.value]))
  const conflict = Object.values(inner).some(each => each.conflict)
  return { value, from: said[0], adds: said.slice(1), overrides: [], conflict, inner }
}

function mergeList(module: string, declaration: SettingDescription, said: readonly Layer[]): Merged {
  const given = said.filter(({ level }) => level !== 'module')
  const whole = given.length === 0 ? said : given
  const replacing = whole.findIndex(({ value }) => isObject(value))
  const counting = replacing < 0 ? whole : whole.slice(0, replacing + 1)
  const elements = counting.flatMap(layer => {
    const replaced = isObject(layer.value) ? layer.value.replace : undefined
    const path = replaced === undefined ? layer.path : [...layer.path, 'replace']
    const list = replaced ?? layer.value
    return Array.isArray(list) ? list.map((value, index) => ({ ...layer, path: [...path, index], value })) : []
  })
  const of = (declaration.of ?? {}) as SettingDescription
  const one = (same: readonly Layer[]) => merge(module, of, same)
  const merged =
    typeof declaration.key === 'string'
      ? groupsOf(elements, declaration.key).map(one)
      : elements.map(each => one([each]))
  const values = merged.map(({ value }) => value)
  return {
    ...{ value: values.filter((value, at) => values.findIndex(each => isDeepStrictEqual(each, value)) === at) },
    ...{ from: counting[0], adds: counting.slice(1), overrides: whole.slice(counting.length) },
    ...{ conflict: merged.some(({ conflict }) => conflict), inner: undefined },
  }
}

/** Elements with one key are one element. */
function groupsOf(elements: readonly Layer[], key: string): Layer[][] {
  const groups = new Map<string, Layer[]>()
  for (const each of elements) {
    const name = JSON.stringify(isObject(each.value) ? each.value[key] : null) ?? 'null'
    groups.set(name, [...(groups.get(name) ?? []), each])
  }
  return [...groups.values()]
}

function includes(wanted: unknown, value: unknown): boolean {
  return Array.isArray(wanted) && wanted.some(each => isDeepStrictEqual(each, value))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
