/** The `nix` program on a project's flake: its flags, its time limits, and its failures as errors. */

import { fileURLToPath } from 'node:url'
import { exists, isMissing } from '../../node/files/missing.ts'
import { ProgramError, type ProgramResult, runProgram } from '../../node/process/run-program.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import { buildMs, evaluationMs, groupMs, keptLines, lockMs, shownLines, storeMs } from './limits.ts'

export class BuildError extends HintedError<
  'nix-missing' | 'evaluation-too-long' | 'timeout' | 'build-failed' | 'store-failed'
> {}

/** Thymesh's own Nix files: projects are built with those of the program that builds them. */
export const nixDirectory = fileURLToPath(new URL('../../nix', import.meta.url))

function escaped(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

export function storeFlags(store: string | undefined): string[] {
  return store === undefined ? [] : ['--store', storeUri(store)]
}

/** A store as Nix names it; without a folder the one that it takes by itself. */
export function storeUri(store: string | undefined): string {
  return store === undefined ? process.env.NIX_REMOTE || 'auto' : `local?root=${escaped(store)}`
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
  const group = await runProgram('getent', ['group', 'nixbld'], { timeoutMs: groupMs, lines: 1 }).catch(() => undefined)
  return group?.code === 0 ? [] : ['--option', 'build-users-group', '', '--option', 'sandbox', 'false']
}

/** How long a program of Nix's may take, and what it means when it takes longer. */
export interface NixLimit {
  readonly ms: number
  readonly code: 'evaluation-too-long' | 'timeout'
  readonly hint: string
}

export const evaluationLimit: NixLimit = {
  ms: evaluationMs,
  code: 'evaluation-too-long',
  hint: 'Look for a function that calls itself without an end, or a very large computation.',
}
export const buildLimit: NixLimit = {
  ms: buildMs,
  code: 'timeout',
  hint: 'Try again: what is built already is kept. If it stops at the same place, look for a builder that hangs.',
}
export const lockLimit: NixLimit = {
  ms: lockMs,
  code: 'timeout',
  hint: 'Look at the network and at the URLs of the inputs in flake.nix, then try again.',
}
export const storeLimit: NixLimit = {
  ms: storeMs,
  code: 'timeout',
  hint: 'Another program may hold the lock of the store: wait until it has ended, then try again.',
}

export interface NixOptions {
  readonly cwd?: string
  readonly limit: NixLimit
  readonly env?: NodeJS.ProcessEnv
  /** Ends it: Nix then ends its builders. */
  readonly asked?: AbortSignal
  readonly onLine?: (line: string) => void
}

/** Runs one of Nix's programs to its end, which a failure is too. Throws a BuildError when it can't run or hangs. */
export async function runNix(
  program: string,
  args: readonly string[],
  { limit, ...options }: NixOptions,
): Promise<ProgramResult> {
  try {
    return await runProgram(program, args, { ...options, timeoutMs: limit.ms, lines: keptLines, endsWithUs: true })
  } catch (thrown) {
    options.asked?.throwIfAborted()
    if (thrown instanceof ProgramError) {
      throw new BuildError(limit.code, thrown.message, { hint: limit.hint, cause: thrown })
    }
    if (isMissing(thrown)) {
      throw new BuildError('nix-missing', `expected the \`${program}\` program on the PATH, found none`, {
        hint: 'Install Nix: `apt-get install nix-bin`, or see https://nixos.org/download.',
      })
    }
    throw new BuildError('build-failed', `can't run \`${program}\`: ${messageOf(thrown)}`, {
      hint: 'Look at the rights of the program and of the folder that it runs in.',
      cause: thrown,
    })
  }
}

/** Lines about the lock file, which is no error of a project: projects are built with our own Nix files. */
const noise = [
  /^warning: not writing modified lock file/,
  /^warning: Git tree .* is dirty/,
  /^warning: .*is untrusted/,
  /^warning: the group 'nixbld'/,
  /^• (Added|Updated|Removed) input/,
  /^\s+(→ )?'\S+' \(\d{4}-\d\d-\d\d\)$/,
  /^\(use '--show-trace'/,
]

/** Nix's standard error without the lines that it always prints. */
export function errorLines({ errors }: Pick<ProgramResult, 'errors'>): string[] {
  return errors.filter(line => !noise.some(pattern => pattern.test(line)))
}

export function lastLines(result: Pick<ProgramResult, 'errors'>): string {
  return errorLines(result).slice(-shownLines).join('\n')
}
