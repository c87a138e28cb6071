/** `thymesh module …`: the modules that the project can use, what their settings are, and files for new ones. */

import { table } from '../../format/table.ts'
import { readProject } from '../../inputs/read-project.ts'
import { EditError } from '../../project/edit.ts'
import { addModule, removeModule } from '../../project/module-files.ts'
import { describeModules, type ModuleDescription, type SettingDescription } from '../../project/modules.ts'
import { CheckError, list as listed, problemText, suggestion } from '../../project/problem.ts'
import { editProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

interface ModuleOptions extends ProjectOptions {
  name: string
}

export async function list(options: ProjectOptions): Promise<number> {
  const { project, files, describe } = await readProject(options.project)
  const { modules, problems } = await describeModules(project.directory, files.modules, describe)
  const rows = Object.entries(modules).map(([name, module]) => [
    name,
    String(module.source ?? 'project'),
    english(module.displayName),
  ])
  const wrong = problems.map(each => `  ${problemText(each)}`)
  const text = [table(['MODULE', 'SOURCE', 'TITLE'], rows), ...(wrong.length > 0 ? ['', 'Not these:', ...wrong] : [])]
  print(options, { modules, problems }, text.join('\n'))
  return problems.length > 0 ? exitCodes.failed : exitCodes.done
}

export async function show(options: ModuleOptions): Promise<undefined> {
  const { project, files, describe } = await readProject(options.project)
  const { modules, problems } = await describeModules(project.directory, files.modules, describe)
  const module = Object.hasOwn(modules, options.name) ? modules[options.name] : undefined
  if (module === undefined) {
    if (problems.length > 0) throw new CheckError(problems)
    const known = Object.keys(modules)
    throw new EditError('no-such-entry', `there is no module ${options.name}`, {
      hint: `The project has ${listed(known)}${suggestion(options.name, known) || '.'}`,
    })
  }
  print(options, { name: options.name, ...module }, moduleText(options.name, module))
  return undefined
}

export async function add({ name, ...options }: ModuleOptions): Promise<undefined> {
  return await editProject(options, `Added module ${name}`, edit => addModule(edit, name))
}

export async function remove({ name, ...options }: ModuleOptions): Promise<undefined> {
  return await editProject(options, `Removed module ${name}`, (edit, { files }) => removeModule(edit, name, files))
}

function moduleText(name: string, module: ModuleDescription): string {
  const head = [`${name}: ${english(module.displayName)}`, english(module.description)].filter(text => text !== '')
  return [...head, '', table(['SETTING', 'TYPE', 'DEFAULT', 'WHAT'], settingRows(module.settings, ''))].join('\n')
}

/** A row for each setting, and below a list of groups one for each key of a group. */
function settingRows(settings: ModuleDescription['settings'], prefix: string): string[][] {
  return Object.entries(settings).flatMap(([key, setting]) => {
    const inner = setting.of as SettingDescription | undefined
    const keys = (inner?.settings ?? setting.settings ?? {}) as ModuleDescription['settings']
    const row = [
      prefix + key,
      typeText(setting),
      'default' in setting ? JSON.stringify(setting.default) : setting.required === false ? '-' : 'must be set',
      english(setting.description) || english(setting.displayName),
    ]
    return [row, ...settingRows(keys, `${prefix}${key}${inner === undefined ? '.' : '[].'}`)]
  })
}

function typeText({ type, of, choices, min, max }: SettingDescription): string {
  if (type === 'list') return `list of ${typeText((of ?? {}) as SettingDescription)}`
  if (type === 'choice' && Array.isArray(choices)) {
    return choices.map(each => JSON.stringify(each?.value ?? each)).join(' or ')
  }
  const bounds = min === undefined && max === undefined ? '' : ` ${min ?? ''}…${max ?? ''}`
  return `${String(type)}${bounds}`
}

/** Texts are sets of languages, or plain. */
export function english(text: unknown): string {
  if (typeof text === 'string') return text
  if (text === null || typeof text !== 'object') return ''
  const [first] = Object.values(text)
  return String('en' in text ? text.en : (first ?? ''))
}
