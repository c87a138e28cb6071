/** Git, as far as the project needs it: the `git` program in the project's folder. */

import { outputLines } from '../../node/process/limits.ts'
import { ProgramError, type ProgramResult, runProgram } from '../../node/process/run-program.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'

export class GitError extends HintedError<'dirty' | 'git-failed'> {}

/** The commit that a release is built from, once nothing in the project's folder differs from it. Throws a GitError. */
export async function cleanCommit({ directory }: { directory: string }): Promise<string> {
  // Overrides the operator's settings, which may hide files: a file that is not committed is not in the release.
  const status = await git(directory, ['status', '--porcelain', '--untracked-files=normal', '--', '.'])
  if (status.length > 0) {
    const shown = status.slice(0, 10).join('\n')
    throw new GitError('dirty', `the project has uncommitted changes:\n${shown}`, {
      hint: 'Commit them (`git add -A && git commit`): a release names the commit that it was built from.',
    })
  }
  const { code, stdout } = await runGit(directory, ['rev-parse', '--verify', '--quiet', 'HEAD'])
  if (code !== 0) throw noCommit(directory)
  return stdout.trim()
}

function noCommit(directory: string): GitError {
  return new GitError('git-failed', `expected a commit in ${directory}, found none`, {
    hint: 'Commit the project: git add -A && git commit.',
  })
}

/** The last commit and the branch; null where there is none. */
export async function headOf(directory: string): Promise<{ commit: string | null; branch: string | null }> {
  const [commit, branch] = await Promise.all([
    runGit(directory, ['rev-parse', '--verify', '--quiet', 'HEAD']),
    runGit(directory, ['symbolic-ref', '--short', '--quiet', 'HEAD']),
  ])
  const word = ({ code, stdout }: ProgramResult) => (code === 0 ? stdout.trim() : null)
  return { commit: word(commit), branch: word(branch) }
}

export interface ChangedFile {
  /** From the project's folder. */
  readonly file: string
  readonly state: 'added' | 'changed' | 'removed' | 'conflict'
}

/** Commits these files alone, of a folder; nothing where they are as the last commit has them. Gives the commit. */
export async function commitFiles(
  directory: string,
  files: readonly string[],
  message: string,
): Promise<string | null> {
  const changed = new Set((await changedFiles(directory)).map(({ file }) => file))
  const wanted = files.filter(file => changed.has(file))
  if (wanted.length === 0) return null
  const named = ['--', ...wanted.map(literally)]
  // These alone: of others the index may hold what somebody has staged.
  const unknown = await gitNames(directory, ['ls-files', '--others', '-z', ...named])
  if (unknown.length > 0) await git(directory, ['add', '--intent-to-add', '--', ...unknown.map(literally)])
  try {
    await git(directory, ['commit', '--quiet', '-m', message, ...named])
  } catch (thrown) {
    // What Git refuses leaves its index as it was.
    if (unknown.length > 0) await git(directory, ['reset', '--quiet', '--', ...unknown.map(literally)])
    throw thrown
  }
  return (await headOf(directory)).commit
}

/** The file of just this name: `:!a` alone would be a pattern, which means all others. */
function literally(file: string): string {
  return `:(literal)${file}`
}

/** What differs from the last commit, files that Git doesn't know included. */
export async function changedFiles(directory: string): Promise<ChangedFile[]> {
  const args = ['status', '--porcelain', '--no-renames', '--untracked-files=all', '-z', '--', '.']
  const prefix = (await gitOutput(directory, ['rev-parse', '--show-prefix'])).replace(/\n$/, '')
  return (await gitNames(directory, args)).map(line => {
    const [state, path] = [line.slice(0, 2), line.slice(3)]
    return { file: path.startsWith(prefix) ? path.slice(prefix.length) : path, state: stateOf(state) }
  })
}

/** The two letters of `git status`: of the index, and of the folder. */
function stateOf(letters: string): ChangedFile['state'] {
  if (letters.includes('U') || letters === 'AA' || letters === 'DD') return 'conflict'
  if (letters.includes('D')) return 'removed'
  return letters.includes('A') || letters === '??' ? 'added' : 'changed'
}

/** Runs git in a folder and gives the lines of its standard output: warnings and traces are not among them. */
export async function git(directory: string, args: string[]): Promise<string[]> {
  return (await gitOutput(directory, args)).split('\n').filter(line => line !== '')
}

/** Names of files as `-z` prints them: as they are, whatever letters they have. Throws a GitError. */
export async function gitNames(directory: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string[]> {
  return (await gitOutput(directory, args, env)).split('\0').filter(name => name !== '')
}

/** Runs git in a folder and gives its standard output. Throws a GitError with its last lines when it fails. */
export async function gitOutput(directory: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const result = await runGit(directory, args, env)
  if (result.code === 0) return result.stdout
  throw new GitError('git-failed', `git ${args[0]} failed in ${directory}:\n${result.output.join('\n')}`, {
    hint: 'Read the output of git, and fix what it names.',
  })
}

/** Runs git in a folder to its end, which a failure is too. Throws a GitError when it can't run or hangs. */
export async function runGit(directory: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<ProgramResult> {
  const options = { cwd: directory, timeoutMs: 60_000, lines: outputLines, env: { ...process.env, ...env } }
  return await runProgram('git', args, options).catch((thrown: unknown) => {
    throw new GitError('git-failed', `can't run git: ${messageOf(thrown)}`, {
      hint:
        thrown instanceof ProgramError
          ? 'Check that the disk of the project answers, and that no other git waits in it.'
          : 'Install git, and check that the folder is there.',
      cause: thrown,
    })
  })
}
