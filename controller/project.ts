/** The project: a Git repository that declares the fleet. Read with `git` and plain files. */

import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { runProgram } from '../node/activation/program.ts'
import { outputLines } from '../node/defaults.ts'
import { describeIssues } from '../protocol/cbor.ts'
import { messageOf, ThymeshError } from '../protocol/errors.ts'
import { fleetIdSchema, nameSchema } from '../protocol/fields.ts'
import { addressExpectation, isAddress } from './addresses.ts'

export class ProjectError extends ThymeshError<'not-found' | 'invalid' | 'dirty' | 'git-failed'> {}

const projectFile = 'thymesh.json'

const projectSchema = z.strictObject({
  fleet: fleetIdSchema,
  name: nameSchema,
  /** Multiaddrs of peers that join tokens name. */
  bootstrap: z
    .array(z.string().max(200).refine(isAddress, { error: addressExpectation }))
    .max(16)
    .default([]),
})
export type ProjectFile = z.infer<typeof projectSchema>

export interface Project extends ProjectFile {
  readonly directory: string
}

/** The project in this folder or the nearest one above. Throws a ProjectError. */
export async function openProject(from: string): Promise<Project> {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const file = join(directory, projectFile)
    const text = await readFile(file, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR') return undefined
      throw new ProjectError('invalid', `can't read ${file}: ${messageOf(thrown)}`, { cause: thrown })
    })
    if (text !== undefined) return { ...parseProject(text, file), directory }
    if (dirname(directory) === directory) {
      throw new ProjectError(
        'not-found',
        `expected a project (a folder with ${projectFile}) at ${resolve(from)} or above`,
        {
          hint: 'Make one with `thymesh init DIRECTORY`, or name it with --project DIRECTORY.',
        },
      )
    }
  }
}

/** A project file's content; `file` is what an error names. */
export function parseProject(text: string, file: string): ProjectFile {
  const parsed = projectSchema.safeParse(parseJson(text, file))
  if (parsed.success) return parsed.data
  throw new ProjectError('invalid', `${file}: ${describeIssues(parsed.error)}`)
}

/** What a release is built from: the commit, once nothing in the tree differs from it. Throws a ProjectError. */
export async function cleanCommit(project: Project): Promise<string> {
  const status = await git(project.directory, ['status', '--porcelain'])
  if (status.length > 0) {
    const shown = status.slice(0, 10).join('\n')
    throw new ProjectError('dirty', `the project has changes that are not committed:\n${shown}`, {
      hint: 'Commit them (`git add -A && git commit`), so that the release can name what it was built from.',
    })
  }
  const [commit] = await git(project.directory, ['rev-parse', 'HEAD'])
  if (commit === undefined) throw new ProjectError('git-failed', 'the project has no commit yet')
  return commit
}

/**
 * Sees that the project's data files are JSON and have names that a fleet can use: Nix says of neither which file it
 * means. Throws a ProjectError.
 */
export async function checkDataFiles(project: Project): Promise<void> {
  for (const folder of ['configs', 'devices']) {
    const names = await readdir(join(project.directory, folder)).catch(() => [])
    for (const name of names.filter(each => each.endsWith('.json')).sort()) {
      const file = `${folder}/${name}`
      const stem = nameSchema.safeParse(name.slice(0, -'.json'.length))
      if (!stem.success) throw new ProjectError('invalid', `${file}: ${describeIssues(stem.error)}`)
      parseJson(await readFile(join(project.directory, file), 'utf8'), file)
    }
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new ProjectError('invalid', `${file}: expected JSON: ${messageOf(thrown)}`)
  }
}

/** Runs git in a folder and gives the lines of its standard output: warnings and traces are not among them. */
export async function git(directory: string, args: string[]): Promise<string[]> {
  const result = await runProgram('git', args, { cwd: directory, timeoutMs: 60_000, lines: outputLines }).catch(
    (thrown: unknown) => {
      throw new ProjectError('git-failed', `can't run git: ${messageOf(thrown)}`, { hint: 'Install git.' })
    },
  )
  if (result.code === 0) return result.stdout.split('\n').filter(line => line !== '')
  throw new ProjectError('git-failed', `git ${args[0]} failed in ${directory}:\n${result.output.join('\n')}`)
}
