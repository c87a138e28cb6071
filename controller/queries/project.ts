/** What the project's folder holds: its files, entries with the places of their values, modules, and problems. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { unlessMissing } from '../../node/files/missing.ts'
import type {
  entriesSchema,
  entrySchema,
  moduleAnswerSchema,
  modulesAnswerSchema,
  problemsSchema,
  projectSchema,
} from '../api/schemas/project.ts'
import { type Look, lookAtProject } from '../inputs/look.ts'
import { readProject } from '../inputs/read-project.ts'
import { EditError } from '../project/edit-error.ts'
import { entryWords, fileOf } from '../project/entries.ts'
import { entryValues } from '../project/entry-values.ts'
import type { DataFile } from '../project/files.ts'
import { changedFiles, headOf } from '../project/git.ts'
import { LocatedJson } from '../project/located-json.ts'
import { nextCronRuns } from '../project/next-runs.ts'
import { list, problemJson, suggestion } from '../project/problem.ts'
import { projectFile } from '../project/project.ts'
import type { EntryFolder } from '../project/schemas.ts'
import { moduleUsers, usersOf } from '../project/uses.ts'
import type { Session } from '../session/session.ts'

/** Times of a schedule that are named beside it. */
const shownRuns = 5

export async function queryProject({ directory }: Session): Promise<z.infer<typeof projectSchema>> {
  const { project, files } = await readProject(directory)
  const { autoUpdate: plan } = project
  const texts = await Promise.all([projectFile, 'rollout.json'].map(file => fileRow(project.directory, file)))
  return {
    ...{ directory: project.directory, fleet: project.fleet, name: project.name },
    ...(await headOf(project.directory)),
    changed: await changedFiles(project.directory),
    files: texts.flatMap(row => row ?? []),
    autoUpdate: plan === undefined ? null : autoUpdateOf(plan),
    ...{ configs: files.configs.size, tags: files.tags.size, devices: files.devices.size },
    ...{ secrets: files.secrets.size, modules: files.modules.length },
  }
}

function autoUpdateOf({
  schedule,
  timeZone,
  inputs = null,
}: {
  schedule: string
  timeZone: string
  inputs?: string[] | undefined | null
}) {
  return { schedule, timeZone, inputs: inputs ?? null, next: nextCronRuns(schedule, timeZone, shownRuns) }
}

async function fileRow(directory: string, file: string) {
  const text = await unlessMissing(readFile(join(directory, file), 'utf8'))
  if (text === undefined) return undefined
  return { file, hash: hashOf(text), content: objectOr(new LocatedJson(file, text).value) }
}

type Row = z.infer<typeof entriesSchema>['entries'][number]

/** All entries of a kind, by name. */
export async function queryEntries({ directory }: Session, folder: EntryFolder): Promise<Row[]> {
  const look = await lookAtProject(directory)
  return [...look.files[folder].values()].map(entry => rowOf(look, folder, entry))
}

export async function queryEntry(
  { directory }: Session,
  folder: EntryFolder,
  name: string,
): Promise<z.infer<typeof entrySchema>> {
  const look = await lookAtProject(directory)
  const entry = look.files[folder].get(name)
  if (entry === undefined) {
    const known = [...look.files[folder].keys()]
    throw notThere(`${entryWords[folder]} ${name} (${fileOf(folder, name)})`, name, known)
  }
  const { modules, values } = entryValues(folder, name, look.files, look.modules)
  return { ...rowOf(look, folder, entry), text: entry.json.text, modules, values }
}

function rowOf({ files, problems }: Look, folder: EntryFolder, { name, json, content }: DataFile<object>): Row {
  return {
    ...{ name, file: json.file, hash: hashOf(json.text), content: content === undefined ? null : objectOr(content) },
    problems: problems.filter(({ file }) => file === json.file).map(problemJson),
    users: usersOf(folder, name, files),
  }
}

export async function queryModules({ directory }: Session): Promise<z.infer<typeof modulesAnswerSchema>> {
  const { files, modules, moduleProblems } = await lookAtProject(directory)
  const word = (value: unknown) => (typeof value === 'string' ? value : null)
  const rows = Object.entries(modules).map(([name, module]) => ({
    ...{ name, source: word(module.source) ?? 'project' },
    ...{ displayName: module.displayName ?? name, description: module.description ?? '' },
    ...{ category: word(module.category), icon: word(module.icon) },
    targets: Array.isArray(module.targets) ? module.targets.map(String) : [],
    ...{ settings: Object.keys(module.settings).length, users: moduleUsers(name, files) },
  }))
  return { modules: rows, problems: moduleProblems.map(problemJson) }
}

export async function queryModule({ directory }: Session, name: string): Promise<z.infer<typeof moduleAnswerSchema>> {
  const { project, files, modules } = await lookAtProject(directory)
  const module = Object.hasOwn(modules, name) ? modules[name] : undefined
  if (module === undefined) throw notThere(`module ${name}`, name, Object.keys(modules))
  const file = `modules/${name}.nix`
  const text = files.modules.includes(name) ? await readFile(join(project.directory, file), 'utf8') : undefined
  return {
    ...{ ...module, name, file: text === undefined ? null : file, hash: text === undefined ? null : hashOf(text) },
    users: moduleUsers(name, files),
  }
}

export async function queryProblems({ directory }: Session): Promise<z.infer<typeof problemsSchema>> {
  const { problems } = await lookAtProject(directory)
  return { ok: problems.length === 0, problems: problems.map(problemJson) }
}

function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

function objectOr(value: unknown): Record<string, unknown> | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function notThere(what: string, name: string, known: readonly string[]): EditError {
  return new EditError('no-such-entry', `the project has no ${what}`, {
    hint: `It has ${list(known)}${suggestion(name, known) || '.'}`,
  })
}
