/** The `nix` program on a project's flake: its flags, its time limits, and what becomes of its failures. */

import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isMissing } from '../../node/files/missing.ts'
import { type ProgramResult, runProgram } from '../../node/process/run-program.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'

export class BuildError extends ThymeshError<
  'nix-missing' | 'evaluation-failed' | 'evaluation-too-long' | 'build-failed' | 'invalid-fleet'
> {}

/** Thymesh's own Nix files: projects are built with those of the program that builds them. */
export const nixDirectory = fileURLToPath(new URL('../../nix', import.meta.url))

/** Lines of Nix's that are read: its trace names the place of an error some way above the end. */
const keptLines = 400
/** Lines of Nix's that are shown. */
const shownLines = 20

/** What Nix is given to work on. */
export interface NixPlace {
  readonly directory: string
}

/** Nix 2.8 takes a folder that needs escapes for a remote repository, whose branch has to be named. */
export function flakeOf({ directory }: NixPlace): string {
  const path = escaped(directory)
  return `git+file://${path}${path === directory ? '' : '?ref=HEAD'}`
}

function escaped(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

export function storeFlags(store: string | undefined): string[] {
  return store === undefined ? [] : ['--store', `local?root=${escaped(store)}`]
}

/** For what uses no project. */
export async function commonFlags(): Promise<string[]> {
  return ['--extra-experimental-features', 'nix-command flakes', ...(await singleUserFlags())]
}

/** Flakes as they are in every Nix since 2.4; the lock file is the user's. */
export async function flakeFlags(): Promise<string[]> {
  return [...(await commonFlags()), '--no-write-lock-file', '--override-input', 'thymesh', `path:${nixDirectory}`]
}

/**
 * As root without a daemon and without Nix's build users (Debian's nix-bin alone), Nix builds as root, which it can't do
 * in its sandbox. With a daemon, that decides.
 */
async function singleUserFlags(): Promise<string[]> {
  if (process.getuid?.() !== 0 || (await exists('/nix/var/nix/daemon-socket/socket'))) return []
  const group = await runProgram('getent', ['group', 'nixbld'], { timeoutMs: 5_000, lines: 1 }).catch(() => undefined)
  return group?.code === 0 ? [] : ['--option', 'build-users-group', '', '--option', 'sandbox', 'false']
}

export interface NixOptions {
  readonly cwd?: string
  readonly timeoutMs: number
  readonly env?: NodeJS.ProcessEnv
}

/** Runs one of Nix's programs to its end, which a failure is too. Throws a BuildError when it can't run or hangs. */
export async function runNix(program: string, args: readonly string[], options: NixOptions): Promise<ProgramResult> {
  try {
    return await runProgram(program, args, { ...options, lines: keptLines })
  } catch (thrown) {
    if (isMissing(thrown)) {
      throw new BuildError('nix-missing', `expected the \`${program}\` program on the PATH, found none`, {
        hint: 'Install Nix: `apt-get install nix-bin`, or see https://nixos.org/download.',
      })
    }
    if (/did not end within/.test(messageOf(thrown))) {
      throw new BuildError('evaluation-too-long', messageOf(thrown), {
        hint: 'Look for a function that calls itself without an end, or a very large computation.',
      })
    }
    throw new BuildError('build-failed', messageOf(thrown), { cause: thrown })
  }
}

/** What Nix says of the lock file, which is none of a project's errors: projects are built with our own Nix files. */
const noise = [
  /^warning: not writing modified lock file/,
  /^warning: Git tree .* is dirty/,
  /^warning: .*is untrusted/,
  /^warning: the group 'nixbld'/,
  /^• (Added|Updated|Removed) input/,
  /^\s+(→ )?'\S+' \(\d{4}-\d\d-\d\d\)$/,
  /^\(use '--show-trace'/,
]

/** What Nix said on standard error, without what it says always. */
export function errorLines({ errors }: Pick<ProgramResult, 'errors'>): string[] {
  return errors.filter(line => !noise.some(pattern => pattern.test(line)))
}

export function lastLines(result: Pick<ProgramResult, 'errors'>): string {
  return errorLines(result).slice(-shownLines).join('\n')
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
