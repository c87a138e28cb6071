/** Compares the settings of configs, tags and devices with the modules' declarations, and collects what they refer to. */

import { artifactProblem } from './artifacts.ts'
import type { DataFile, ProjectFiles } from './files.ts'
import type { ModuleDescriptions } from './modules.ts'
import { list, type Problem, suggestion } from './problem.ts'
import { tagsOf } from './references.ts'
import type { ConfigFile } from './schemas.ts'
import { checkSettings, type Mention } from './settings.ts'

/** `complete` says whether all modules could be read: else one that is missing here is a problem already. */
export async function checkLayers(
  directory: string,
  files: ProjectFiles,
  modules: ModuleDescriptions,
  complete: boolean,
): Promise<{ problems: Problem[]; mentions: Mention[] }> {
  const mentions: Mention[] = []
  const problems = layers(files).flatMap(file =>
    checkModules(file, { ...files, described: modules }, mentions, complete),
  )
  if (complete) for (const config of files.configs.values()) problems.push(...missingSettings(config, files, modules))
  return { problems: [...problems, ...(await checkMentions(directory, files, mentions))], mentions }
}

type Layer = DataFile<{ modules?: Record<string, Record<string, unknown>> | undefined }>

function layers({ configs, tags, devices }: ProjectFiles): Layer[] {
  return [...configs.values(), ...tags.values(), ...devices.values()]
}

function checkModules(
  file: Layer,
  { modules: inFolder, described: modules }: ProjectFiles & { described: ModuleDescriptions },
  mentions: Mention[],
  complete: boolean,
): Problem[] {
  const known = Object.keys(modules)
  return Object.entries(file.content?.modules ?? {}).flatMap(([name, values]) => {
    const path = ['modules', name]
    const module = Object.hasOwn(modules, name) ? modules[name] : undefined
    if (module !== undefined) {
      const checked = checkSettings({ json: file.json, path }, values, module.settings)
      mentions.push(...checked.mentions)
      return checked.problems
    }
    if (!complete) return []
    // In the folder, and yet Nix has not described it: it sees what Git knows.
    if (inFolder.includes(name)) {
      const words = `modules/${name} is not in Git, so Nix can't see it: git add modules`
      return [file.json.keyProblem(path, words)]
    }
    const words = `there is no module of this name; the project has ${list(known)}${suggestion(name, known)}`
    return [file.json.keyProblem(path, words)]
  })
}

/** Settings without a default that neither the config nor one of its tags sets. */
function missingSettings(config: DataFile<ConfigFile>, files: ProjectFiles, modules: ModuleDescriptions): Problem[] {
  if (config.content === undefined) return []
  const said = [config.content, ...tagsOf(config.content.tags ?? [], files)].map(layer => layer.modules ?? {})
  const onDevices = [...files.devices.values()].some(
    ({ content }) => content?.config === config.name && 'modules' in content,
  )
  const used = new Set(said.flatMap(layer => Object.keys(layer)))
  return [...used].flatMap(name =>
    Object.entries(modules[name]?.settings ?? {}).flatMap(([key, declaration]) => {
      const conditional = Object.keys((declaration.visible as object | undefined) ?? {}).length > 0
      const required = declaration.required ?? !('default' in declaration)
      const given = said.some(layer => layer[name] !== undefined && Object.hasOwn(layer[name], key))
      const optional = required !== true || conditional || onDevices
      if (optional || given || declaration.type === 'list' || declaration.type === 'group') return []
      return [config.json.problem(['modules', name, key], `must be set, since the module ${name} gives it no default`)]
    }),
  )
}

async function checkMentions(directory: string, files: ProjectFiles, mentions: readonly Mention[]): Promise<Problem[]> {
  const problems = await Promise.all(
    mentions.map(async ({ kind, name, place, declaration }) => {
      const { json, path } = place
      if (kind === 'artifact') {
        const wrong = await artifactProblem(directory, name)
        return wrong === undefined ? [] : [json.problem(path, wrong)]
      }
      const secret = files.secrets.get(name)
      if (secret === undefined) {
        const known = [...files.secrets.keys()]
        const words = `there is no secret ${name}; the project has ${list(known)}${suggestion(name, known)}`
        return [json.problem(path, words)]
      }
      const allowed = declaration.allowed
      const type = secret.content?.type
      if (!Array.isArray(allowed) || type === undefined || allowed.includes(type)) return []
      return [json.problem(path, `expected a secret of type ${list(allowed.map(String))}, got ${name} (${type})`)]
    }),
  )
  return problems.flat()
}
