/** Who uses what in a project: files that name an entry or install a module, settings that name a secret. */

import type { ProjectFiles } from './files.ts'
import { checkLayers } from './layers.ts'
import { type DescribeOptions, describeModules } from './modules.ts'
import type { EntryFolder } from './schemas.ts'

/** Of a secret or an artifact. */
export interface Users {
  /** Files with the keys in them. */
  readonly places: readonly string[]
  readonly devices: readonly string[]
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

/** Where each secret or artifact is set, by its name, and the devices whose configs those places are. */
export async function mentionUsers(
  of: 'secret' | 'artifact',
  directory: string,
  files: ProjectFiles,
  describe: DescribeOptions,
): Promise<Map<string, Users>> {
  const { modules, problems } = await describeModules(directory, files.modules, describe)
  const { mentions } = await checkLayers(directory, files, modules, problems.length === 0)
  const users = new Map<string, Users>()
  for (const { kind, name, place } of mentions) {
    if (kind !== of) continue
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
