/** Checks a whole project and reports every problem with its place. Writes nothing. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeIssues } from '../../protocol/encoding/cbor.ts'
import { checkAlerts } from './check-alerts.ts'
import { type DeclaredFleet, declaredFleetSchema } from './declared-fleet.ts'
import { type Overlay, type ProjectFiles, readProjectFiles } from './files.ts'
import { foreignCharacter, foreignMark } from './foreign-text.ts'
import { gitNames } from './git.ts'
import { checkLayers } from './layers.ts'
import { conflictMarker, LocatedJson } from './located-json.ts'
import { type DescribeOptions, evaluate, type ModuleDescriptions, modulesOf } from './modules.ts'
import { CheckError, type Problem, sortedProblems } from './problem.ts'
import { checkReferences } from './references.ts'
import { releaseProblems } from './release-limits.ts'
import type { Mention } from './settings.ts'
import type { ProjectTree } from './tree.ts'
import { checkUnseen } from './unseen.ts'

export interface CheckResult {
  readonly files: ProjectFiles
  readonly modules: ModuleDescriptions
  /** The settings that refer to secrets and artifacts, with their places. */
  readonly mentions: readonly Mention[]
  /** By file and line. */
  readonly problems: readonly Problem[]
  /** All that the project declares, as Nix evaluated it; nothing where there are problems. */
  readonly fleet: DeclaredFleet | undefined
}

/** A project without problems. */
export interface SoundProject extends CheckResult {
  readonly fleet: DeclaredFleet
}

/** Everything that is written in JSON's and Git's terms; no Nix. `texts` are the project's files that are no data files. */
export async function checkFiles(
  directory: string,
  overlay?: Overlay,
  texts?: readonly string[],
): Promise<{ files: ProjectFiles; problems: Problem[] }> {
  const files = await readProjectFiles(directory, overlay)
  const conflicts = await checkTexts(directory, texts ?? (await textsIn(directory)))
  return { files, problems: [...files.problems, ...conflicts, ...checkReferences(files), ...checkAlerts(files)] }
}

/** All of the project, read from its tree: what a release of that tree would be made of, and nothing else. */
export async function checkProject(tree: ProjectTree, options: DescribeOptions): Promise<CheckResult> {
  const directory = await tree.folder()
  const texts = tree.files.map(({ path }) => path).filter(path => text.test(path))
  const { files, problems } = await checkFiles(directory, undefined, texts)
  problems.push(...(await checkUnseen(tree)))
  const described = await modulesOf(tree, files.modules, options)
  const marked = new Set(problems.map(({ file }) => file))
  problems.push(...(await withForeignCharacters(directory, described.problems)).filter(({ file }) => !marked.has(file)))
  const { modules } = described
  const { mentions, ...layers } = await checkLayers(directory, files, modules, described.problems.length === 0)
  problems.push(...layers.problems)
  const evaluated = problems.length === 0 ? await evaluateFleet(tree, files, options) : undefined
  const fleet = evaluated !== undefined && 'fleet' in evaluated ? evaluated.fleet : undefined
  if (evaluated !== undefined && 'problem' in evaluated) problems.push(evaluated.problem)
  if (fleet !== undefined) problems.push(...releaseProblems(fleet, files))
  const isSound = problems.length === 0
  return { files, modules, mentions, problems: sortedProblems(problems), fleet: isSound ? fleet : undefined }
}

/** Throws a CheckError with all that is wrong. */
export async function requireSound(tree: ProjectTree, options: DescribeOptions): Promise<SoundProject> {
  const { fleet, ...result } = await checkProject(tree, options)
  if (fleet === undefined) throw new CheckError(result.problems)
  return { ...result, fleet }
}

/** Everything that a release is made of, evaluated: it has the problems that only Nix finds. */
async function evaluateFleet(
  tree: ProjectTree,
  files: ProjectFiles,
  options: DescribeOptions,
): Promise<{ fleet: DeclaredFleet } | { problem: Problem }> {
  const result = await evaluate(tree, 'thymesh.fleet', options)
  if ('problem' in result) return { problem: placed(result.problem, files) }
  const parsed = declaredFleetSchema.safeParse(result.value)
  if (parsed.success) return { fleet: parsed.data }
  const message = `declares no valid fleet: ${describeIssues(parsed.error)}`
  return { problem: { file: 'flake.nix', at: undefined, key: '', message } }
}

/** Our own Nix files say `configs/web.json: modules.web.port: …`: the place of that key. */
function placed(problem: Problem, files: ProjectFiles): Problem {
  const [, folder, name] = /^(configs|tags|devices)\/(.+)\.json$/.exec(problem.file) ?? []
  const file = folder === undefined ? undefined : files[folder as 'configs'].get(name ?? '')
  const [, key, words] = /^([A-Za-z0-9_.[\]/-]+): (.*)$/s.exec(problem.message) ?? []
  if (file === undefined || key === undefined || words === undefined) return problem
  const path = key
    .split(/[.[\]]+/)
    .filter(part => part !== '')
    .map(part => (/^\d+$/.test(part) ? Number(part) : part))
  return file.json.problem(path, words)
}

const text = /\.nix$|^(?:flake\.lock|thymesh\.json)$/

async function textsIn(directory: string): Promise<string[]> {
  const files = await gitNames(directory, ['ls-files', '--cached', '--others', '--exclude-standard', '-z'])
  return files.filter(path => text.test(path))
}

/** Texts that Nix and people share: a mark of an editor or an unsolved conflict stands in them as easily as in JSON. */
async function checkTexts(directory: string, files: readonly string[]): Promise<Problem[]> {
  const problems = await Promise.all(
    files.map(async file => {
      const text = await readFile(join(directory, file), 'utf8').catch(() => '')
      const foreign = foreignMark(text)
      if (foreign !== undefined) return [{ file, at: { line: 1, column: 1 }, key: '', message: foreign }]
      const marker = conflictMarker(text)
      const words = 'has a merge conflict marker: resolve the conflict'
      return marker === undefined ? [] : [new LocatedJson(file, text).problemAt(marker, '', words)]
    }),
  )
  return problems.flat()
}

/** Where Nix refuses a line, perhaps for a character that no editor shows: its name is added. */
async function withForeignCharacters(directory: string, problems: readonly Problem[]): Promise<Problem[]> {
  return await Promise.all(
    problems.map(async problem => {
      if (problem.at === undefined || !/syntax error|undefined variable/.test(problem.message)) return problem
      const text = await readFile(join(directory, problem.file), 'utf8').catch(() => '')
      const found = foreignCharacter(text.split('\n')[problem.at.line - 1] ?? '')
      if (found === undefined) return problem
      const { column, words } = found
      return { ...problem, message: `${problem.message}; the line has ${words} in column ${column}: type it anew` }
    }),
  )
}
