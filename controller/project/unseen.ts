/**
 * Files in the project's folder that no release contains: untracked and ignored ones, other repositories, and edits that Git is told not to
 * look at.
 */

import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'
import { gitNames, gitOutput } from './git.ts'
import type { Problem } from './problem.ts'
import type { ProjectTree } from './tree.ts'

/** Folders whose files are read by their names. */
const dataFolders = ['configs', 'tags', 'devices', 'secrets', 'artifacts']

/** Leftovers of editors and file managers, which nobody wants on a device. */
const clutter = /(?:^|\/)(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.#[^/]*|#[^/]*#|[^/]*~|[^/]*\.sw[op])$/

/** A problem for each file that a release lacks although a person who looks into the folder would expect it. */
export async function checkUnseen({ directory, files }: ProjectTree): Promise<Problem[]> {
  const others = ['ls-files', '--others', '--exclude-standard', '-z']
  const [unknown, ignored] = await Promise.all([
    gitNames(directory, [...others, '--', '*.nix', ...dataFolders]),
    gitNames(directory, [...others, '--ignored', '--directory', '--', 'modules', ...dataFolders]),
  ])
  const edited = await unlooked({ directory, files })
  const submodules = files.filter(({ mode, path }) => mode === '160000' && isRead(path))
  return [
    ...unknown.map(path =>
      problem(path, path.endsWith('/') ? foreign : `is not in Git, so Nix can't see it: git add ${path}`),
    ),
    ...ignored.filter(path => isRead(path) && !clutter.test(path)).map(path => problem(path, hidden(path))),
    ...submodules.map(({ path }) => problem(path, foreign)),
    ...edited.map(({ path, flag }) => problem(path, hiddenEdit(path, flag))),
  ]
}

/** Files that differ from what Git has, though it takes them for unchanged: marked by hand, or outside of a sparse checkout. */
async function unlooked({ directory, files }: Pick<ProjectTree, 'directory' | 'files'>) {
  const listed = await gitNames(directory, ['ls-files', '-v', '-z', '--', '*.nix', ...dataFolders])
  const marked = listed.flatMap(line => {
    const [tag = '', path] = [line[0], line.slice(2)]
    const flag = tag.toUpperCase() === 'S' ? 'skip-worktree' : 'assume-unchanged'
    // In small letters what is assumed to be unchanged, whatever else it is.
    return (tag === 'S' || tag !== tag.toUpperCase()) && (isRead(path) || path.endsWith('.nix')) ? [{ path, flag }] : []
  })
  const there = await Promise.all(
    marked.map(async each => ((await unlessMissing(lstat(join(directory, each.path))))?.isFile() ? [each] : [])),
  )
  const objects = new Map(files.map(({ path, object }) => [path, object]))
  const edited: (typeof marked)[number][] = []
  for (const each of there.flat()) {
    const object = (await gitOutput(directory, ['hash-object', '--', each.path])).trim()
    if (object !== objects.get(each.path)) edited.push(each)
  }
  return edited
}

const foreign =
  'is a Git repository of its own, of which a release has no files: add them to the project, or make it an input of flake.nix'

function hidden(path: string): string {
  return `is ignored by Git, so no release has it: move it elsewhere, or add it with git add --force ${path}`
}

function hiddenEdit(path: string, flag: string): string {
  return `differs from what Git has, and Git is told not to look at it: git update-index --no-${flag} ${path}`
}

/** Whether the project's own code reads it, rather than a module that imports it. */
function isRead(path: string): boolean {
  if (path.startsWith('artifacts/')) return true
  if (path.startsWith('modules/')) return path.endsWith('.nix') || path.endsWith('/')
  return dataFolders.some(folder => path.startsWith(`${folder}/`)) && /\.(?:json|age)$/.test(path)
}

function problem(path: string, message: string): Problem {
  return { file: path.replace(/\/$/, ''), at: undefined, key: '', message }
}
