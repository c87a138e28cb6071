/** Looks at all of a project and says all that is wrong with it, each with its place. Writes nothing. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { artifactProblem } from './artifacts.ts'
import { type DataFile, type ProjectFiles, readProjectFiles } from './files.ts'
import { git, unknownFiles } from './git.ts'
import { conflictMarker, LocatedJson } from './located-json.ts'
import { type DescribeOptions, describeModules, evaluate, type ModuleDescriptions } from './modules.ts'
import { CheckError, list, type Problem, sortedProblems, suggestion } from './problem.ts'
import type { Project } from './project.ts'
import { checkReferences, tagsOf } from './references.ts'
import type { ConfigFile } from './schemas.ts'
import { checkSettings, type Mention } from './settings.ts'

export interface CheckResult {
  readonly files: ProjectFiles
  readonly modules: ModuleDescriptions
  /** What is set to secrets and artifacts, and where. */
  readonly mentions: readonly Mention[]
  /** By file and line. */
  readonly problems: readonly Problem[]
}

/** Everything that is written in JSON's and Git's terms; no Nix. */
export async function checkFiles(directory: string): Promise<{ files: ProjectFiles; problems: Problem[] }> {
  const files = await readProjectFiles(directory)
  return { files, problems: [...files.problems, ...(await checkTexts(directory)), ...checkReferences(files)] }
}

/** All of the project. */
export async function checkProject(project: Project, options: DescribeOptions): Promise<CheckResult> {
  const { directory } = project
  const { files, problems } = await checkFiles(directory)
  problems.push(...(await untracked(directory)))
  const described = await describeModules(directory, files.modules, options)
  problems.push(...described.problems)
  const { modules } = described
  const mentions: Mention[] = []
  const allRead = described.problems.length === 0
  for (const file of layers(files)) problems.push(...checkModules(file, modules, mentions, allRead))
  if (allRead) for (const config of files.configs.values()) problems.push(...missingSettings(config, files, modules))
  problems.push(...(await checkMentions(directory, files, mentions)))
  if (problems.length === 0) problems.push(...(await evaluateAll(directory, files, options)))
  return { files, modules, mentions, problems: sortedProblems(problems) }
}

/** Throws a CheckError with all that is wrong. */
export async function requireSound(project: Project, options: DescribeOptions): Promise<CheckResult> {
  const result = await checkProject(project, options)
  if (result.problems.length > 0) throw new CheckError(result.problems)
  return result
}

type Layer = DataFile<{ modules?: Record<string, Record<string, unknown>> | undefined }>

function layers({ configs, tags, devices }: ProjectFiles): Layer[] {
  return [...configs.values(), ...tags.values(), ...devices.values()]
}

function checkModules(file: Layer, modules: ModuleDescriptions, mentions: Mention[], allRead: boolean): Problem[] {
  const known = Object.keys(modules)
  return Object.entries(file.content?.modules ?? {}).flatMap(([name, values]) => {
    const path = ['modules', name]
    const module = Object.hasOwn(modules, name) ? modules[name] : undefined
    if (module !== undefined) {
      const checked = checkSettings({ json: file.json, path }, values, module.settings)
      mentions.push(...checked.mentions)
      return checked.problems
    }
    // A module that can't be read is a problem already.
    if (!allRead) return []
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

/** What only Nix finds: everything that a release is made of, evaluated. */
async function evaluateAll(directory: string, files: ProjectFiles, options: DescribeOptions): Promise<Problem[]> {
  const result = await evaluate(directory, 'thymesh.fleet', options)
  return 'problem' in result ? [placed(result.problem, files)] : []
}

/** Our own Nix files say `configs/web.json: modules.web.port: …`: the place of that key. */
export function placed(problem: Problem, files: ProjectFiles): Problem {
  const [, folder, name] = /^(configs|tags|devices)\/(.+)\.json$/.exec(problem.file) ?? []
  const file = folder === undefined ? undefined : files[folder as 'configs'].get(name ?? '')
  const [, key, words] = /^([A-Za-z0-9_.[\]/-]+): (.*)$/s.exec(problem.message) ?? []
  if (file === undefined || key === undefined || words === undefined) return problem
  const path = key
    .split(/[.[\]]+/)
    .filter(part => part !== '')
    .map(part => (/^\d+$/.test(part) ? Number(part) : part))
  return file.json.problem(path, words)
}

/** Texts that Nix and people share: a conflict that was not solved stands in them as easily as in JSON. */
async function checkTexts(directory: string): Promise<Problem[]> {
  const files = await git(directory, [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '*.nix',
    'flake.lock',
    'thymesh.json',
  ])
  const problems = await Promise.all(
    files.map(async file => {
      const text = await readFile(join(directory, file), 'utf8').catch(() => '')
      const marker = conflictMarker(text)
      const words = 'has a merge conflict marker: solve the conflict'
      return marker === undefined ? [] : [new LocatedJson(file, text).problemAt(marker, '', words)]
    }),
  )
  return problems.flat()
}

/** Nix sees of a Git repository what Git knows. */
async function untracked(directory: string): Promise<Problem[]> {
  const paths = ['*.nix', 'configs', 'tags', 'devices', 'artifacts', 'secrets']
  const files = await unknownFiles(directory, paths)
  return files.map(file => ({
    file,
    at: undefined,
    key: '',
    message: `Git doesn't know it, so Nix can't see it: git add ${file}`,
  }))
}
