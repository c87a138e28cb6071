/** A Thymis project as entries of ours: configs and tags, and the list of what is left to do by hand. */

import { convertModules } from './modules.ts'
import type { ThymisState } from './state.ts'

export interface Conversion {
  /** Contents of `tags/NAME.json` and `configs/NAME.json`. */
  readonly tags: ReadonlyMap<string, object>
  readonly configs: ReadonlyMap<string, object>
  /** Names of secrets that the entries use, to be added with `thymesh secret add`. */
  readonly secrets: readonly string[]
  /** Sentences: what has no counterpart. */
  readonly left: readonly string[]
}

export function convertThymis(state: ThymisState): Conversion {
  const left: string[] = []
  const secrets = new Set<string>()
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const nameFor = (kind: string, identifier: string) => {
    const plain =
      identifier
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-+|-+$/g, '')
        .slice(0, 60) || kind
    let name = plain
    for (let more = 2; taken.has(`${kind} ${name}`); more++) name = `${plain}-${more}`
    taken.add(`${kind} ${name}`)
    names.set(`${kind} ${identifier}`, name)
    if (name !== identifier) left.push(`${name}: was ${kind} ${JSON.stringify(identifier)} in Thymis`)
    return name
  }
  const convert = (name: string, modules: ThymisState['tags'][number]['modules']) => {
    const made = convertModules(name, modules)
    left.push(...made.left)
    for (const secret of made.secrets) secrets.add(secret)
    return made
  }

  const tags = new Map<string, object>()
  for (const { displayName, identifier, priority, modules } of state.tags) {
    const name = nameFor('tag', identifier)
    const made = convert(name, modules)
    if (made.type !== undefined) left.push(`${name}: the device type ${made.type}: set it in the configs with this tag`)
    tags.set(name, { ...(displayName !== '' && { displayName }), priority, modules: made.modules })
  }
  const configs = new Map<string, object>()
  for (const { displayName, identifier, modules, tags: wearing } of state.configs) {
    const name = nameFor('config', identifier)
    const made = convert(name, modules)
    const known = wearing.flatMap(tag => names.get(`tag ${tag}`) ?? [])
    if (known.length < wearing.length) left.push(`${name}: names a tag that isn't in the state`)
    configs.set(name, {
      ...(displayName !== '' && { displayName }),
      target: 'nixos',
      ...(made.type === undefined ? { system: 'x86_64-linux' } : { type: made.type }),
      ...(known.length > 0 && { tags: known }),
      modules: made.modules,
    })
  }
  for (const [name, { url }] of Object.entries(state.repositories)) {
    left.push(
      `the repository ${name} (${url ?? 'without a URL'}): add it with \`thymesh input add\` if you need its packages`,
    )
  }
  left.push('devices: Thymis keeps them in its database: declare each with `thymesh device add`')
  return { tags, configs, secrets: [...secrets].sort(), left }
}
