/** `thymesh check`: reports every problem of the project. */

import { describeOptions } from '../../inputs/describe-options.ts'
import { checkProject } from '../../project/check.ts'
import { problemText } from '../../project/problem.ts'
import { openProject } from '../../project/project.ts'
import { withTree } from '../../project/tree.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface CheckOptions extends ProjectOptions {
  timeout: number
}

export async function check(options: CheckOptions): Promise<number> {
  const project = await openProject(options.project)
  const describe = { ...(await describeOptions(project)), timeoutMs: options.timeout * 1000 }
  const { problems, files, modules } = await withTree(project, tree => checkProject(tree, describe))
  const counts = {
    configs: files.configs.size,
    tags: files.tags.size,
    devices: files.devices.size,
    modules: Object.keys(modules).length,
    secrets: files.secrets.size,
  }
  const json = problems.map(({ file, at, key, message }) => ({
    file,
    line: at?.line ?? null,
    column: at?.column ?? null,
    key: key === '' ? null : key,
    message,
  }))
  const words = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${count === 1 ? what.slice(0, -1) : what}`)
  const summary =
    problems.length === 0
      ? `The project is right: ${words.join(', ')}.`
      : `${problems.length === 1 ? 'One problem' : `${problems.length} problems`}; nothing was written.`
  print(
    options,
    { ok: problems.length === 0, problems: json, ...counts },
    [...problems.map(problemText), summary].join('\n'),
  )
  return problems.length === 0 ? exitCodes.done : exitCodes.failed
}
