/** The declarations of the project's modules, as Nix evaluates them: cached by content, since most edits change none. */

import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../../node/files/durable-file.ts'
import { describeIssues } from '../../protocol/encoding/cbor.ts'
import { messageOf } from '../../protocol/errors.ts'
import { writeText } from '../format/terminal.ts'
import {
  BuildError,
  errorLines,
  evaluationLimit,
  flakeFlags,
  nixDirectory,
  runNix,
  storeFlags,
} from '../nix/nix-program.ts'
import { readNixError, unlockedInputs } from './nix-errors.ts'
import type { Problem } from './problem.ts'
import { type ProjectTree, withTree } from './tree.ts'

/** One setting's declaration; what a type has beside these is read where that type is checked. */
const settingSchema: z.ZodType<SettingDescription> = z.looseObject({
  type: z.union([z.string(), z.looseObject({})]).optional(),
  settings: z.lazy(() => z.record(z.string(), settingSchema)).optional(),
})
export interface SettingDescription {
  readonly [key: string]: unknown
  readonly type?: unknown
  readonly settings?: Record<string, SettingDescription>
}

const moduleSchema = z.looseObject({
  displayName: z.unknown().optional(),
  settings: z.record(z.string(), settingSchema).default({}),
})
export type ModuleDescription = z.infer<typeof moduleSchema>

const modulesSchema = z.record(z.string(), moduleSchema)
export type ModuleDescriptions = z.infer<typeof modulesSchema>

export interface DescribeOptions {
  readonly store?: string | undefined
  /** A folder for what was read before. */
  readonly cache: string
  readonly timeoutMs?: number
  /** Ends Nix. */
  readonly signal?: AbortSignal
  /** Fetches what flake.lock in a folder names and Nix alone can't fetch; called before Nix evaluates. */
  readonly fetchInputs?: (folder: string) => Promise<void>
  /** Known declarations, for which Nix isn't asked. */
  readonly modules?: ModuleDescriptions
}

export interface DescribedModules {
  readonly modules: ModuleDescriptions
  readonly problems: readonly Problem[]
}

/** All modules that the project in a folder can use, as it lies there, and a problem for each that can't be read. */
export async function describeModules(
  directory: string,
  names: readonly string[],
  options: DescribeOptions,
): Promise<DescribedModules> {
  if (options.modules !== undefined) return { modules: options.modules, problems: [] }
  return await withTree({ directory }, tree => modulesOf(tree, names, options))
}

/** The same for a tree of the project. */
export async function modulesOf(
  tree: ProjectTree,
  names: readonly string[],
  options: DescribeOptions,
): Promise<DescribedModules> {
  if (options.modules !== undefined) return { modules: options.modules, problems: [] }
  const file = join(options.cache, `${await contentHash(tree)}.json`)
  const known = await readCached(file)
  if (known !== undefined) return { modules: known, problems: [] }
  const whole = await evaluate(tree, 'thymesh.modules', options)
  if ('value' in whole) {
    const parsed = modulesSchema.safeParse(whole.value)
    if (parsed.success) {
      await keep(file, parsed.data)
      return { modules: parsed.data, problems: [] }
    }
    const problem = {
      file: 'modules',
      at: undefined,
      key: '',
      message: `can't be read: ${describeIssues(parsed.error)}`,
    }
    return { modules: {}, problems: [problem] }
  }
  return await describeEach(tree, names, options, whole.problem)
}

/** One after the other: so each module that is wrong is named, and the others, Thymesh's own too, still count. */
async function describeEach(
  tree: ProjectTree,
  names: readonly string[],
  options: DescribeOptions,
  whole: Problem,
): Promise<DescribedModules> {
  // Their names alone: where even these can't be read, such as for an input that can't be fetched, no module is to blame.
  const known = await evaluate(tree, 'thymesh.modules', options, 'builtins.attrNames')
  if ('problem' in known) return { modules: {}, problems: [known.problem] }
  const builtIn = await evaluate(tree, 'thymesh.modulesOf.thymesh', options)
  const modules = 'value' in builtIn ? (modulesSchema.safeParse(builtIn.value).data ?? {}) : {}
  const problems: Problem[] = []
  for (const name of names) {
    const result = await evaluate(tree, `thymesh.modules.${name}`, options)
    if ('problem' in result) {
      problems.push(
        result.problem.file === 'flake.nix' ? { ...result.problem, file: `modules/${name}.nix` } : result.problem,
      )
      continue
    }
    const parsed = moduleSchema.safeParse(result.value)
    if (parsed.success) modules[name] = parsed.data
    else
      problems.push({
        file: `modules/${name}.nix`,
        at: undefined,
        key: 'settings',
        message: 'expected settings by name',
      })
  }
  // All of them are right by themselves: what is wrong is elsewhere.
  if (problems.length === 0) problems.push(whole)
  return { modules, problems }
}

/**
 * An output of a tree's flake as plain data, or what a function in Nix makes of it; what is wrong with it otherwise. The
 * evaluation may fetch only what flake.lock names.
 */
export async function evaluate(
  tree: ProjectTree,
  output: string,
  options: Pick<DescribeOptions, 'store' | 'timeoutMs' | 'fetchInputs' | 'signal'>,
  apply?: string,
): Promise<{ value: unknown } | { problem: Problem }> {
  const ms = options.timeoutMs ?? evaluationLimit.ms
  await options.fetchInputs?.(await tree.folder())
  const args = [
    ...['eval', '--json', ...storeFlags(options.store), ...(await flakeFlags())],
    ...(await restrictedFlags(await tree.folder())),
    ...(apply === undefined ? [] : ['--apply', apply]),
    `${await tree.flake(options.store)}#${output}`,
  ]
  const what = /^thymesh\.modules\.(.+)$/.exec(output)?.[1]
  const subject = what === undefined ? 'the project' : `the module ${what}`
  const problem = (message: string, file = 'flake.nix', at: Problem['at'] = undefined, key = '') => ({
    problem: { file, at, key, message },
  })
  try {
    const result = await runNix('nix', args, {
      ...{ cwd: tree.directory, limit: { ...evaluationLimit, ms } },
      ...(options.signal && { asked: options.signal }),
    })
    const unlocked = unlockedInputs(result.errors)
    if (unlocked.length > 0) return problem(notLocked(unlocked))
    if (result.code === 0) return { value: JSON.parse(result.stdout) }
    const error = readNixError(errorLines(result), await tree.storePath(options.store))
    if (result.signal !== null || /stack overflow/i.test(error.message)) {
      return problem(`${subject} has endless recursion: Nix was stopped (${result.signal ?? 'stack overflow'})`)
    }
    const forbidden = /access to URI '([^']+)' is forbidden/.exec(error.message)
    if (forbidden !== null) {
      return problem(
        `${subject} reads the network (${forbidden[1]}): add that as an input of flake.nix`,
        error.file,
        error.at,
      )
    }
    return problem(error.message, error.file, error.at)
  } catch (thrown) {
    if (!(thrown instanceof BuildError) || thrown.code !== 'evaluation-too-long') throw thrown
    return problem(`${subject} did not evaluate in time: it was stopped after ${ms / 1000} s`)
  }
}

/** Such an input may be another one tomorrow: a release would not be what its commit says. */
function notLocked(names: readonly string[]): string {
  const which = names.length === 1 ? `the input ${names[0]} is` : `the inputs ${names.join(', ')} are`
  return `${which} not locked in flake.lock: thymesh update ${names.join(' ')}`
}

/** The evaluation may read what the lock file names, and nothing else outside the project. */
async function restrictedFlags(directory: string): Promise<string[]> {
  const allowed = new Set<string>([`path:${nixDirectory}`])
  const lock = await readFile(join(directory, 'flake.lock'), 'utf8').catch(() => '{}')
  for (const { locked } of Object.values(lockSchema.safeParse(safeJson(lock)).data?.nodes ?? {})) {
    if (locked?.type === 'github')
      allowed.add(`github:${locked.owner}/`).add('https://github.com/').add('https://api.github.com/')
    if (locked?.type === 'gitlab') allowed.add(`gitlab:${locked.owner}/`).add('https://gitlab.com/')
    // Newer Nix asks for it with the hash behind, which only a folder above allows.
    if (locked?.type === 'path' && locked.path?.startsWith('/')) allowed.add(`path:${dirname(locked.path)}/`)
    if (locked?.url === undefined) continue
    if (locked.url.startsWith('file:')) allowed.add(locked.url).add(`git+${locked.url}`).add('git+file:')
    const host = /^https?:\/\/[^/]+\//.exec(locked.url)?.[0]
    if (host !== undefined) allowed.add(host).add(`git+${host}`)
    if (/^ssh:|^[^/]+@/.test(locked.url)) allowed.add(locked.url).add(`git+${locked.url}`)
  }
  return ['--option', 'restrict-eval', 'true', '--option', 'allowed-uris', [...allowed].join(' ')]
}

const lockSchema = z.object({
  nodes: z.record(
    z.string(),
    z.object({
      locked: z
        .object({
          type: z.string(),
          owner: z.string().optional(),
          path: z.string().optional(),
          url: z.string().optional(),
        })
        .optional(),
    }),
  ),
})

const dataFolders = /^(?:configs|devices|tags|secrets|artifacts)\//

/** SHA-256 over all that modules can be made of: the project but for its data files, and Thymesh's own Nix files. */
async function contentHash(tree: ProjectTree): Promise<string> {
  const hash = createHash('sha256').update(tree.hash(path => !dataFolders.test(path)))
  const entries = await readdir(nixDirectory, { recursive: true, withFileTypes: true })
  const own = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  for (const file of own.sort()) {
    const bytes = await readFile(file)
    hash.update(`${file.slice(nixDirectory.length)}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

async function readCached(file: string): Promise<ModuleDescriptions | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : modulesSchema.safeParse(safeJson(text)).data
}

/** A cache that can't be written costs time only. */
async function keep(file: string, modules: ModuleDescriptions): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    // Another process may write it at the same time.
    await replaceFile(file, JSON.stringify(modules), { draft: `${file}.${process.pid}` })
  } catch (thrown) {
    if (process.env.THYMESH_DEBUG) writeText('stderr', messageOf(thrown))
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
