/** All that is known of a project without building it: files, declared modules, and what is wrong with both. */

import { checkFiles } from '../project/check.ts'
import { checkLayers } from '../project/layers.ts'
import { describeModules, type ModuleDescriptions } from '../project/modules.ts'
import { type Problem, sortedProblems } from '../project/problem.ts'
import { openProject } from '../project/project.ts'
import { describeOptions } from './describe-options.ts'
import type { OpenProject } from './read-project.ts'

export interface Look extends OpenProject {
  readonly modules: ModuleDescriptions
  /** Modules that can't be read. */
  readonly moduleProblems: readonly Problem[]
  /** All, by file and place. */
  readonly problems: readonly Problem[]
}

/** Nix is asked where modules have changed since the last time; a build may find more. */
export async function lookAtProject(from: string): Promise<Look> {
  const project = await openProject(from)
  const { directory } = project
  const describe = await describeOptions(project)
  const { files, problems } = await checkFiles(directory)
  const { modules, problems: moduleProblems } = await describeModules(directory, files.modules, describe)
  const layers = await checkLayers(directory, files, modules, moduleProblems.length === 0)
  const all = sortedProblems([...problems, ...moduleProblems, ...layers.problems])
  return { project, files, describe, modules, moduleProblems, problems: all }
}
