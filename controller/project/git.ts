/** Git, as far as the project needs it: the `git` program in the project's folder. */

import { outputLines } from '../../node/process/limits.ts'
import { ProgramError, runProgram } from '../../node/process/run-program.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'

export class GitError extends HintedError<'dirty' | 'git-failed'> {}

/** What a release is built from: the commit, once nothing in the tree differs from it. Throws a GitError. */
export async function cleanCommit({ directory }: { directory: string }): Promise<string> {
  const status = await git(directory, ['status', '--porcelain'])
  if (status.length > 0) {
    const shown = status.slice(0, 10).join('\n')
    throw new GitError('dirty', `the project has uncommitted changes:\n${shown}`, {
      hint: 'Commit them (`git add -A && git commit`): a release names the commit that it was built from.',
    })
  }
  const [commit] = await git(directory, ['rev-parse', 'HEAD'])
  if (commit === undefined) throw noCommit(directory)
  return commit
}

function noCommit(directory: string): GitError {
  return new GitError('git-failed', `expected a commit in ${directory}, found none`, {
    hint: 'Commit the project: git add -A && git commit.',
  })
}

/** Files that Git would not show to Nix: neither committed nor added, and not ignored. From the folder. */
export async function unknownFiles(directory: string, paths: readonly string[]): Promise<string[]> {
  return await git(directory, ['ls-files', '--others', '--exclude-standard', '--', ...paths])
}

/** Runs git in a folder and gives the lines of its standard output: warnings and traces are not among them. */
export async function git(directory: string, args: string[]): Promise<string[]> {
  const result = await runProgram('git', args, { cwd: directory, timeoutMs: 60_000, lines: outputLines }).catch(
    (thrown: unknown) => {
      throw new GitError('git-failed', `can't run git: ${messageOf(thrown)}`, {
        hint:
          thrown instanceof ProgramError
            ? 'Check that the disk of the project answers, and that no other git waits in it.'
            : 'Install git, and check that the folder is there.',
        cause: thrown,
      })
    },
  )
  if (result.code === 0) return result.stdout.split('\n').filter(line => line !== '')
  throw new GitError('git-failed', `git ${args[0]} failed in ${directory}:\n${result.output.join('\n')}`, {
    hint: 'Read the output of git, and fix what it names.',
  })
}
