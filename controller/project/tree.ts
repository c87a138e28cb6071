/** The project's tree as Git has it at one moment: check, build and release read it, whatever is edited meanwhile. */

import { createHash } from 'node:crypto'
import { copyFile, mkdir, realpath, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { unlessMissing } from '../../node/files/missing.ts'
import { type TemporaryFolder, temporaryFolder } from '../../node/files/temporary.ts'
import { addToStore, keepPath } from '../nix/store.ts'
import { cleanCommit, gitNames, gitOutput, runGit } from './git.ts'
import { settleWriting } from './write-files.ts'

/** One file of the tree, as Git lists it. */
export interface TreeFile {
  /** From the project's folder. */
  readonly path: string
  /** The hash that Git has for its content. */
  readonly object: string
  /** `120000` for a link, `160000` for a submodule. */
  readonly mode: string
}

export interface TreeOptions {
  /** The tree of this commit; without it the files that Git knows, as they lie in the folder. */
  readonly commit?: string
  /** Files as they are to be, over those. */
  readonly changed?: Readonly<Record<string, string>>
}

/** Works with the tree of a project; the copy that it may make is removed afterwards. Throws a GitError. */
export async function withTree<T>(
  { directory }: { directory: string },
  work: (tree: ProjectTree) => Promise<T>,
  options: TreeOptions = {},
): Promise<T> {
  await settleWriting(directory)
  const place = await temporaryFolder()
  try {
    // Git names files from the folder itself, whichever link leads there.
    return await work(await takeTree(await realpath(directory), place, options))
  } finally {
    await place.remove()
  }
}

/** The same with the tree of the last commit, from which nothing in the project's folder differs. Throws a GitError. */
export async function withCommittedTree<T>(
  project: { directory: string },
  work: (tree: ProjectTree, commit: string) => Promise<T>,
): Promise<T> {
  await settleWriting(project.directory)
  const commit = await cleanCommit(project)
  return await withTree(project, tree => work(tree, commit), { commit })
}

export class ProjectTree {
  /** The project's own folder, which may have changed since. */
  readonly directory: string
  readonly files: readonly TreeFile[]
  /** The commit that has just this tree; nothing with uncommitted changes. */
  readonly commit: string | undefined
  readonly #place: TemporaryFolder
  readonly #environment: NodeJS.ProcessEnv
  #copied: Promise<string> | undefined
  readonly #stored = new Map<string | undefined, Promise<string>>()

  constructor(init: {
    directory: string
    files: readonly TreeFile[]
    commit: string | undefined
    place: TemporaryFolder
    environment: NodeJS.ProcessEnv
  }) {
    this.directory = init.directory
    this.files = init.files
    this.commit = init.commit
    this.#place = init.place
    this.#environment = init.environment
  }

  /** SHA-256 in hex over names and contents of the files that `wanted` chooses: two trees with the same are the same. */
  hash(wanted: (path: string) => boolean = () => true): string {
    const hash = createHash('sha256')
    for (const { mode, object, path } of this.files) if (wanted(path)) hash.update(`${mode} ${object} ${path}\0`)
    return hash.digest('hex')
  }

  /** A folder with the tree's files as a fresh checkout has them. Throws a GitError. */
  folder(): Promise<string> {
    this.#copied ??= this.#copy()
    return this.#copied
  }

  /** The tree in the Nix store, where nobody changes it. Throws a BuildError. */
  storePath(store: string | undefined): Promise<string> {
    const known = this.#stored.get(store) ?? this.#addTo(store)
    this.#stored.set(store, known)
    return known
  }

  /** The tree as a flake. `self.rev` is the commit that has it, and is missing with uncommitted changes. */
  async flake(store: string | undefined): Promise<string> {
    return `path:${await this.storePath(store)}${this.commit === undefined ? '' : `?rev=${this.commit}`}`
  }

  /** Removes the copies; the tree is of no use afterwards. */
  async remove(): Promise<void> {
    await this.#place.remove()
  }

  async #copy(): Promise<string> {
    const whole = join(this.#place.path, 'whole')
    const prefix = (await gitOutput(this.directory, ['rev-parse', '--show-prefix'])).replace(/\n$/, '')
    await mkdir(join(whole, prefix), { recursive: true })
    // The same bytes for every operator: line ends and links are the repository's matter, not the machine's.
    const settings = ['-c', 'core.autocrlf=false', '-c', 'core.symlinks=true']
    // Also what a sparse checkout leaves out.
    const options = ['--all', '--force', '--ignore-skip-worktree-bits', `--prefix=${whole}/`]
    const args = [...settings, 'checkout-index', ...options]
    await gitOutput(this.directory, args, this.#environment)
    const source = join(this.#place.path, 'source')
    await rename(resolve(whole, prefix), source)
    return source
  }

  async #addTo(store: string | undefined): Promise<string> {
    const path = await addToStore(await this.folder(), store)
    await keepPath(path, join(this.#place.path, 'roots'), String(this.#stored.size), store)
    return path
  }
}

/** Lists the tree by an index of our own: the project's, with what was edited since, or a commit's. */
async function takeTree(
  directory: string,
  place: TemporaryFolder,
  { commit, changed = {} }: TreeOptions,
): Promise<ProjectTree> {
  const { path: own } = place
  const index = join(own, 'index')
  const [projectIndex = '', objects = ''] = await Promise.all(
    ['index', 'objects'].map(async name => {
      const path = await gitOutput(directory, ['rev-parse', '--git-path', name])
      return resolve(directory, path.replace(/\n$/, ''))
    }),
  )
  // Edited files don't become objects of the repository.
  const environment: NodeJS.ProcessEnv = {
    GIT_INDEX_FILE: index,
    GIT_OBJECT_DIRECTORY: join(own, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects),
  }
  await mkdir(join(own, 'objects'))
  if (commit !== undefined) await gitOutput(directory, ['read-tree', commit], environment)
  else {
    await unlessMissing(copyIndex(projectIndex, index))
    await gitOutput(directory, ['add', '--update', '--', '.'], environment)
  }
  for (const [path, content] of Object.entries(changed)) await put(directory, path, content, environment, own)
  const clean = commit !== undefined && Object.keys(changed).length === 0
  const listed = await gitNames(directory, ['ls-files', '--stage', '-z'], environment)
  return new ProjectTree({
    ...{ directory, files: listed.map(treeFile), place, environment },
    commit: clean ? commit : await commitWithout(directory, environment),
  })
}

/**
 * With its time, in whole seconds: Git reads the content of a file that was edited in the second of the index, and
 * believes that one older than the index is unchanged.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const { mtimeMs } = await stat(from)
  await copyFile(from, to)
  const second = Math.floor(mtimeMs / 1000)
  await utimes(to, second, second)
}

async function put(
  directory: string,
  path: string,
  content: string,
  environment: NodeJS.ProcessEnv,
  place: string,
): Promise<void> {
  const draft = join(place, 'draft')
  await writeFile(draft, content)
  const object = (await gitOutput(directory, ['hash-object', '-w', '--no-filters', draft], environment)).trim()
  const prefix = (await gitOutput(directory, ['rev-parse', '--show-prefix'])).replace(/\n$/, '')
  const entry = `100644,${object},${prefix}${path}`
  await gitOutput(directory, ['update-index', '--add', '--cacheinfo', entry], environment)
}

/** The last commit, if the index has no other files of the project. */
async function commitWithout(directory: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const head = await runGit(directory, ['rev-parse', '--verify', '--quiet', 'HEAD'])
  if (head.code !== 0) return undefined
  const commit = head.stdout.trim()
  const { code } = await runGit(directory, ['diff-index', '--cached', '--quiet', commit, '--', '.'], environment)
  return code === 0 ? commit : undefined
}

/** `MODE OBJECT STAGE<tab>PATH` of `git ls-files --stage`. */
function treeFile(line: string): TreeFile {
  const tab = line.indexOf('\t')
  const [mode = '', object = ''] = line.slice(0, tab).split(' ')
  return { mode, object, path: line.slice(tab + 1) }
}
