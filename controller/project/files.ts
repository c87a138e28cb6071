/** All data files of a project, read as they lie in its folder, with what is wrong with each. */

import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { inParallel } from '../../node/concurrency/in-parallel.ts'
import { exists } from '../../node/files/missing.ts'
import type { Alerts } from '../../protocol/alerts/rules.ts'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { rolloutPolicySchema } from '../../protocol/release/rollout-policy.ts'
import type { SiteUplinks } from '../../protocol/release/site-uplinks.ts'
import { alertsFile, readAlerts } from './alerts.ts'
import { foreignBytes, foreignMark } from './foreign-text.ts'
import { LocatedJson, maxFileBytes } from './located-json.ts'
import type { Problem } from './problem.ts'
import {
  type ConfigFile,
  type DeviceFile,
  type Folder,
  folders,
  isSchedule,
  isTimeZone,
  type SecretFile,
  type TagFile,
  uplinksSchema,
} from './schemas.ts'
import { shapeOf } from './shape.ts'

export const uplinksFile = 'uplinks.json'

/** Files that are read at a time: one after the other, 10,000 of them would take three seconds, most of it waiting. */
const readAtOnce = 32

/** One file; `content` is there when its shape is right. */
export interface DataFile<T> {
  readonly name: string
  readonly json: LocatedJson
  readonly content: T | undefined
}

export interface ProjectFiles {
  readonly configs: ReadonlyMap<string, DataFile<ConfigFile>>
  readonly tags: ReadonlyMap<string, DataFile<TagFile>>
  readonly devices: ReadonlyMap<string, DataFile<DeviceFile>>
  readonly secrets: ReadonlyMap<string, DataFile<SecretFile>>
  /** Names of modules/NAME.nix and modules/NAME/default.nix. */
  readonly modules: readonly string[]
  /** What uplinks.json says. */
  readonly uplinks: SiteUplinks
  /** alerts.json, if it is there. */
  readonly alerts?: DataFile<Alerts> | undefined
  readonly problems: readonly Problem[]
}

/** Files as they would be after an edit, over those that lie there; `undefined` for one that goes. */
export type Overlay = ReadonlyMap<string, string | undefined>

/** Reads and checks each file by itself. */
export async function readProjectFiles(directory: string, overlay: Overlay = new Map()): Promise<ProjectFiles> {
  const problems: Problem[] = []
  const read = async <T>(folder: Folder): Promise<Map<string, DataFile<T>>> => {
    const named: { file: string; name: string }[] = []
    for (const entry of await entriesOf(directory, folder, overlay)) {
      const file = `${folder}/${entry}`
      const name = entry.slice(0, -'.json'.length)
      const ending = folder === 'secrets' ? /\.(?:json|age)$/ : /\.json$/
      if (!ending.test(entry)) {
        if (!/^\.|\.md$/.test(entry)) problems.push(about(file, `expected only NAME.json files in ${folder}/`))
        continue
      }
      if (!entry.endsWith('.json')) continue
      if (!nameSchema.safeParse(name).success) {
        const expected = 'expected a name of lowercase letters, digits and inner hyphens, at most 63 characters'
        problems.push(about(file, `${expected}, got ${name}`))
        continue
      }
      named.push({ file, name })
    }
    const texts = new Map<string, { json: LocatedJson | undefined; wrong: Problem[] }>()
    await inParallel(readAtOnce, named, async ({ file }) => {
      const wrong: Problem[] = []
      texts.set(file, { json: await readJson(directory, file, overlay, wrong), wrong })
    })
    const files = new Map<string, DataFile<T>>()
    for (const { file, name } of named) {
      const { json, wrong = [] } = texts.get(file) ?? {}
      problems.push(...wrong)
      if (json === undefined) continue
      const shape = shapeOf(json, folders[folder])
      problems.push(...shape.problems)
      files.set(name, { name, json, content: shape.value as T | undefined })
    }
    return files
  }
  const [configs, tags, devices, secrets] = await Promise.all([
    read<ConfigFile>('configs'),
    read<TagFile>('tags'),
    read<DeviceFile>('devices'),
    read<SecretFile>('secrets'),
  ])
  const rollout = await readFile(join(directory, 'rollout.json'), 'utf8').catch(() => undefined)
  if (rollout !== undefined)
    problems.push(...shapeOf(new LocatedJson('rollout.json', rollout), rolloutPolicySchema).problems)
  const uplinks = await readUplinks(directory, overlay, problems)
  const alerts = await readAlertsFile(directory, overlay, problems)
  const modules = await moduleNames(directory, overlay, problems)
  return { configs, tags, devices, secrets, uplinks, modules, alerts, problems }
}

async function readUplinks(directory: string, overlay: Overlay, problems: Problem[]): Promise<SiteUplinks> {
  const file = uplinksFile
  if (!overlay.has(file) && !(await exists(join(directory, file)))) return {}
  const json = await readJson(directory, file, overlay, problems)
  const shape = json && shapeOf(json, uplinksSchema)
  problems.push(...(shape?.problems ?? []))
  const { sites = {} } = shape?.value ?? {}
  for (const [site, { windows = [] }] of Object.entries(sites)) {
    windows.forEach(({ cron, timeZone = 'UTC' }, at) => {
      const wrong = (key: string, words: string) =>
        problems.push(...(json === undefined ? [] : [json.problem(['sites', site, 'windows', at, key], words)]))
      if (!isSchedule(cron)) wrong('cron', `expected a time that comes, such as "30 3 * * 1-5", got "${cron}"`)
      if (!isTimeZone(timeZone)) wrong('timeZone', `expected a time zone such as Europe/Berlin, got "${timeZone}"`)
    })
  }
  return sites
}

async function readAlertsFile(
  directory: string,
  overlay: Overlay,
  problems: Problem[],
): Promise<DataFile<Alerts> | undefined> {
  const present = await lstat(join(directory, alertsFile)).catch(() => undefined)
  const json = present && (await readJson(directory, alertsFile, overlay, problems))
  if (json === undefined) return undefined
  const read = readAlerts(json)
  problems.push(...read.problems)
  return { name: 'alerts', json, content: read.alerts }
}

async function readJson(
  directory: string,
  file: string,
  overlay: Overlay,
  problems: Problem[],
): Promise<LocatedJson | undefined> {
  const edited = overlay.get(file)
  if (edited !== undefined) return new LocatedJson(file, edited)
  const bytes = await readFile(join(directory, file)).catch(() => undefined)
  const link = bytes === undefined ? await readlink(join(directory, file)).catch(() => undefined) : undefined
  if (link !== undefined) problems.push(about(file, `is a link to ${link}, which no release has: copy the file here`))
  else if (bytes === undefined) problems.push(about(file, "can't be read as a file"))
  else if (bytes.length > maxFileBytes) {
    problems.push(about(file, `expected at most ${maxFileBytes} bytes, got ${bytes.length}`))
  } else {
    const text = bytes.toString('utf8')
    const foreign = foreignMark(text) === undefined ? foreignBytes(bytes) : undefined
    if (foreign !== undefined) problems.push({ ...about(file, foreign.words), at: { line: foreign.line, column: 1 } })
    return new LocatedJson(file, text)
  }
  return undefined
}

/** modules/: Nix files, and folders with a default.nix; what else stands there they may import. */
async function moduleNames(directory: string, overlay: Overlay, problems: Problem[]): Promise<string[]> {
  const names: string[] = []
  for (const entry of await entriesOf(directory, 'modules', overlay)) {
    const isFile = entry.endsWith('.nix')
    const name = isFile ? entry.slice(0, -'.nix'.length) : entry
    if (!isFile) continue
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]*$/.test(name)) {
      problems.push(about(`modules/${entry}`, 'expected a name of letters, digits, _ and -'))
    } else if (names.includes(name)) problems.push(about(`modules/${entry}`, `there are two modules ${name}`))
    else names.push(name)
  }
  return names
}

async function entriesOf(directory: string, folder: string, overlay: Overlay): Promise<string[]> {
  const names = new Set(await readdir(join(directory, folder)).catch(() => []))
  for (const [file, text] of overlay) {
    const [above, name, ...deeper] = file.split('/')
    if (above !== folder || name === undefined || deeper.length > 0) continue
    if (text === undefined) names.delete(name)
    else names.add(name)
  }
  return [...names].sort()
}

function about(file: string, message: string): Problem {
  return { file, at: undefined, key: '', message }
}
