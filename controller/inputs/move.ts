/** Moving flake inputs: to their newest versions, with what their hosts ask for, and committing where they are. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commitFiles } from '../project/git.ts'
import type { Project } from '../project/project.ts'
import type { ProjectTree } from '../project/tree.ts'
import { credentialsOf } from './credentials.ts'
import { InputError, inputNames } from './flake-text.ts'
import { lockFile, type Moved, movedInputs, newLock, parseLock, readLock } from './lock.ts'

/** A lock that is to be: its text, and what it moves. */
export interface MovedLock {
  readonly text: string
  readonly moved: readonly Moved[]
}

/** Looks for the newest versions of all inputs but Thymesh's own, or of those named. The project stays as it is. */
export async function findMoves(
  project: Project,
  tree: ProjectTree,
  names: readonly string[],
  store: string | undefined,
  signal?: AbortSignal,
): Promise<MovedLock> {
  const folder = await tree.folder()
  const text = await flakeText(folder)
  for (const name of names) requireInput(text, name)
  const before = await readLock(folder)
  const credentials = await credentialsOf(project, project.inputs ?? {})
  const next = await newLock(folder, { names: names.length === 0 ? 'all' : names, credentials, store, signal })
  return { text: next ?? '', moved: movedInputs(before, parseLock(next)) }
}

/** Commits flake.lock alone; the message says what moved. */
export async function commitLock(directory: string, moved: readonly Moved[], message?: string): Promise<string | null> {
  const words = moved.map(({ name, from, to }) => `${name}: ${from ?? 'new'} → ${to ?? 'removed'}`)
  const text = message ?? `Update ${moved.map(({ name }) => name).join(', ')}\n\n${words.join('\n')}`
  return await commitFiles(directory, [lockFile], text)
}

/** Throws an InputError when flake.nix has no such input. */
export function requireInput(text: string, name: string): void {
  const known = inputNames(text)
  if (known.includes(name)) return
  throw new InputError('no-such-input', `flake.nix has no input ${name}`, {
    hint: `It has ${known.join(', ') || 'none'}.`,
  })
}

export async function flakeText(directory: string): Promise<string> {
  return await readFile(join(directory, 'flake.nix'), 'utf8')
}
