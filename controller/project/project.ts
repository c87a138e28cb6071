/** The project: a Git repository that declares the fleet, found by its thymesh.json. */

import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isMissing } from '../../node/files/missing.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { LocatedJson } from './located-json.ts'
import { CheckError } from './problem.ts'
import { type ProjectFile, projectSchema } from './schemas.ts'
import { shapeOf } from './shape.ts'

export class ProjectError extends HintedError<'not-found' | 'unreadable'> {}

export const projectFile = 'thymesh.json'

export interface Project extends ProjectFile {
  readonly directory: string
}

/** The project in this folder or the nearest one above; nothing where there is none. Throws what `openProject` throws else. */
export async function findProject(from: string): Promise<Project | undefined> {
  return await openProject(from).catch((thrown: unknown) => {
    if (thrown instanceof ProjectError && thrown.code === 'not-found') return undefined
    throw thrown
  })
}

/** The project in this folder or the nearest one above. Throws a ProjectError or a CheckError. */
export async function openProject(from: string): Promise<Project> {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const file = join(directory, projectFile)
    const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
      if (isMissing(thrown)) return undefined
      throw new ProjectError('unreadable', `can't read ${file}: ${messageOf(thrown)}`, {
        hint: 'Check that it is a file and that you may read it.',
        cause: thrown,
      })
    })
    if (text !== undefined) return { ...parseProject(text, file), directory }
    if (dirname(directory) === directory) {
      throw new ProjectError(
        'not-found',
        `expected a project (a folder with ${projectFile}) at ${resolve(from)} or above`,
        {
          hint: 'Make a project with `thymesh init DIRECTORY`, or name one with --project DIRECTORY.',
        },
      )
    }
  }
}

/** A project file's content; `file` is what an error names. Throws a CheckError. */
export function parseProject(text: string, file: string): ProjectFile {
  const { value, problems } = shapeOf(new LocatedJson(file, text), projectSchema)
  if (value === undefined) throw new CheckError(problems)
  return value
}
