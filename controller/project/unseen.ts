/** Files in the project's folder that no release contains: untracked and ignored ones, and other repositories. */

import { gitNames } from './git.ts'
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
  const submodules = files.filter(({ mode, path }) => mode === '160000' && isRead(path))
  return [
    ...unknown.map(path =>
      problem(path, path.endsWith('/') ? foreign : `is not in Git, so Nix can't see it: git add ${path}`),
    ),
    ...ignored.filter(path => isRead(path) && !clutter.test(path)).map(path => problem(path, hidden(path))),
    ...submodules.map(({ path }) => problem(path, foreign)),
  ]
}

const foreign =
  'is a Git repository of its own, of which a release has no files: add them to the project, or make it an input of flake.nix'

function hidden(path: string): string {
  return `is ignored by Git, so no release has it: move it elsewhere, or add it with git add --force ${path}`
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
