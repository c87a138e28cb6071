/** A project with its files read and with what reading its modules takes: the beginning of every look at it and every edit. */

import { type ProjectFiles, readProjectFiles } from '../project/files.ts'
import type { DescribeOptions } from '../project/modules.ts'
import { openProject, type Project } from '../project/project.ts'
import { describeOptions } from './describe-options.ts'

export interface OpenProject {
  readonly project: Project
  readonly files: ProjectFiles
  readonly describe: DescribeOptions
}

/** The project in this folder or the nearest one above. Throws a ProjectError or a CheckError. */
export async function readProject(from: string): Promise<OpenProject> {
  const project = await openProject(from)
  return { project, files: await readProjectFiles(project.directory), describe: await describeOptions(project) }
}
