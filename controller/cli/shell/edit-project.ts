/** The common part of commands that edit the project: reading it, applying an edit, and printing what was written. */

import { describeOptions } from '../../inputs/describe-options.ts'
import { ProjectEdit } from '../../project/edit.ts'
import { type ProjectFiles, readProjectFiles } from '../../project/files.ts'
import type { DescribeOptions } from '../../project/modules.ts'
import { openProject, type Project } from '../../project/project.ts'
import type { ProjectOptions } from './options.ts'
import { print } from './output.ts'

export interface OpenProject {
  readonly project: Project
  readonly files: ProjectFiles
  readonly describe: DescribeOptions
}

export async function readProject(options: ProjectOptions): Promise<OpenProject> {
  const project = await openProject(options.project)
  return { project, files: await readProjectFiles(project.directory), describe: await describeOptions(project) }
}

/** Makes an edit, checks and writes it, and says what was done. JSON: `written` names the files. */
export async function editProject(
  options: ProjectOptions,
  what: string,
  change: (edit: ProjectEdit, open: OpenProject) => Promise<unknown>,
): Promise<undefined> {
  const open = await readProject(options)
  const edit = new ProjectEdit(open.project.directory)
  const json = (await change(edit, open)) as object | undefined
  const written = await edit.apply(open.describe)
  const files = written.length === 0 ? 'nothing to change' : written.join(', ')
  print(options, { written, ...json }, `${what}: ${files}`)
  return undefined
}
