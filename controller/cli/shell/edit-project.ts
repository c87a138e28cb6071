/** The common part of commands that edit the project: applying an edit, and printing what was written. */

import { type OpenProject, readProject } from '../../inputs/read-project.ts'
import { ProjectEdit } from '../../project/edit.ts'
import type { ProjectOptions } from './options.ts'
import { print } from './output.ts'

/** Makes an edit, checks and writes it, and says what was done. JSON: `written` names the files. */
export async function editProject(
  options: ProjectOptions,
  what: string,
  change: (edit: ProjectEdit, open: OpenProject) => Promise<unknown>,
): Promise<undefined> {
  const open = await readProject(options.project)
  const edit = new ProjectEdit(open.project.directory)
  const json = (await change(edit, open)) as object | undefined
  const written = await edit.apply(open.describe)
  const files = written.length === 0 ? 'nothing to change' : written.join(', ')
  print(options, { written, ...json }, `${what}: ${files}`)
  return undefined
}
