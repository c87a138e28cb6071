/** flake.lock: which version of each input a project is built from, and moving it with `nix flake`. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { commonFlags, errorLines, lockLimit, nixDirectory, runNix, storeFlags } from '../nix/nix-program.ts'
import { readNixError } from '../project/nix-errors.ts'
import { Credentials } from './credentials.ts'
import { InputError } from './flake-text.ts'

const nodeSchema = z.looseObject({
  inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  locked: z
    .looseObject({ rev: z.string().optional(), narHash: z.string().optional(), lastModified: z.int().optional() })
    .optional(),
  original: z.looseObject({}).optional(),
})
const lockSchema = z.looseObject({ nodes: z.record(z.string(), nodeSchema), root: z.string() })
export type Lock = z.infer<typeof lockSchema>

/** The locked version of an input, in few words. */
export interface LockedInput {
  readonly name: string
  /** A revision or a hash. */
  readonly version: string
  readonly modified: string | null
}

export interface Moved {
  readonly name: string
  readonly from: string | null
  readonly to: string | null
}

export const lockFile = 'flake.lock'

export async function readLock(directory: string): Promise<Lock | undefined> {
  return parseLock(await readFile(join(directory, lockFile), 'utf8').catch(() => undefined))
}

/** Throws an InputError. */
export function parseLock(text: string | undefined): Lock | undefined {
  if (text === undefined) return undefined
  try {
    return lockSchema.parse(JSON.parse(text))
  } catch {
    throw new InputError('input-failed', "flake.lock can't be read", { hint: 'Restore it with Git, or remove it.' })
  }
}

export function lockedInputs(lock: Lock | undefined): LockedInput[] {
  const inputs = lock?.nodes[lock.root]?.inputs ?? {}
  return Object.entries(inputs).map(([name, node]) => {
    const locked = typeof node === 'string' ? lock?.nodes[node]?.locked : undefined
    const modified =
      locked?.lastModified === undefined ? null : new Date(locked.lastModified * 1000).toISOString().slice(0, 10)
    return { name, version: locked?.rev?.slice(0, 12) ?? locked?.narHash?.slice(0, 19) ?? '-', modified }
  })
}

export function movedInputs(before: Lock | undefined, after: Lock | undefined): Moved[] {
  const [old, next] = [before, after].map(lock => new Map(lockedInputs(lock).map(each => [each.name, each.version])))
  const names = [...new Set([...(old?.keys() ?? []), ...(next?.keys() ?? [])])]
    .filter(name => name !== 'thymesh')
    .sort()
  return names
    .map(name => ({ name, from: old?.get(name) ?? null, to: next?.get(name) ?? null }))
    .filter(({ from, to }) => from !== to)
}

/**
 * The text of flake.lock with inputs at their newest versions, or only with what is missing. `folder` is a copy of the
 * project, which Nix may write to: nothing of the project itself changes. Throws an InputError.
 */
export async function newLock(
  folder: string,
  init: {
    names: readonly string[] | 'missing' | 'all'
    credentials: readonly string[]
    store: string | undefined
    signal?: AbortSignal | undefined
  },
): Promise<string | undefined> {
  const flags = [
    ...storeFlags(init.store),
    ...(await commonFlags()),
    '--override-input',
    'thymesh',
    `path:${nixDirectory}`,
  ]
  const { names } = init
  const what =
    names === 'all'
      ? ['update']
      : ['lock', ...(names === 'missing' ? [] : names.flatMap(name => ['--update-input', name]))]
  const credentials = await Credentials.write(init.credentials)
  try {
    const env = { ...process.env, ...credentials.environment }
    const result = await runNix('nix', ['flake', ...what, ...flags], {
      ...{ cwd: folder, limit: lockLimit, env },
      ...(init.signal && { asked: init.signal }),
    })
    if (result.code !== 0) {
      const { message } = readNixError(errorLines(result), folder)
      throw new InputError('input-failed', credentials.without(message), {
        hint: 'Look at the URL and at your access to it, then try again. flake.lock is unchanged.',
      })
    }
  } finally {
    await credentials.remove()
  }
  const text = await readFile(join(folder, lockFile), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : withoutThymesh(text)
}

/** Thymesh's own Nix files are those of the program, wherever that lies: no place of this machine belongs in the lock. */
function withoutThymesh(text: string): string {
  const lock = lockSchema.parse(JSON.parse(text))
  const inputs = lock.nodes[lock.root]?.inputs
  const node = inputs?.thymesh
  if (typeof node !== 'string' || lock.nodes[node]?.locked?.type !== 'path') return text
  delete inputs?.thymesh
  delete lock.nodes[node]
  return `${JSON.stringify(lock, null, 2)}\n`
}
