/** What keeps paths for good: generations of profiles, and named roots of the garbage collector. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readlink, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../../protocol/errors.ts'
import { syncDirectory } from '../../files/durable-file.ts'
import { nixEnvLimitMs } from '../limits.ts'
import { storeError, storeErrorFromDaemon, storeErrorFromFile } from '../store-error.ts'

const run = promisify(execFile)

/** One directory entry, chosen by us: no slashes, no leading dot. */
const rootName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
/** Ours among the roots, so that they are easily told apart and removed. */
const rootsDir = join('gcroots', 'thymesh')

/** Where a store keeps its state and how Nix's programs reach it. */
export interface StoreLocation {
  /** A real path, `…/nix/var/nix`. */
  readonly stateDir: string
  /** For `--store`; none for the system's own. */
  readonly storeUri: string | undefined
  readonly nixBinDir: string | undefined
}

/** The profile's real path: `profile` itself if it is absolute, else one in the state's `profiles/`. */
export function profilePath({ stateDir }: StoreLocation, profile: string): string {
  if (isAbsolute(profile)) return profile
  return join(stateDir, 'profiles', checkedName(profile))
}

/**
 * Makes `path` the newest generation of a profile; the same path twice makes one generation. On return the links are
 * on the disk. Nix's own program makes them, because it shares the profile's lock with those who use it by hand, and
 * knows how generations are numbered and deleted.
 */
export async function setProfile(location: StoreLocation, profile: string, path: string): Promise<string> {
  const link = profilePath(location, profile)
  await mkdir(dirname(link), { recursive: true })
  // nix-env leaves ~/.nix-defexpr in the home of whoever runs it.
  const home = await mkdtemp(join(tmpdir(), 'thymesh-nix-env-'))
  try {
    const store = location.storeUri === undefined ? [] : ['--store', location.storeUri]
    await run(
      program(location, 'nix-env'),
      [...store, '--option', 'substitute', 'false', '--profile', link, '--set', path],
      { timeout: nixEnvLimitMs, killSignal: 'SIGKILL', env: { ...process.env, HOME: home, NIX_REMOTE: undefined } },
    )
  } catch (thrown) {
    const stderr = (thrown as { stderr?: string }).stderr ?? ''
    if (stderr.trim() === '') throw storeError('store-unavailable', `nix-env --set: ${messageOf(thrown)}`, thrown)
    throw storeErrorFromDaemon(lastError(stderr), 'query')
  } finally {
    await rm(home, { recursive: true, force: true })
  }
  await syncDirectory(dirname(link))
  const generation = await readlink(link)
  const target = await readlink(resolve(dirname(link), generation))
  if (target !== path) throw storeError('daemon-refused', `Expected the profile ${link} to be ${path}, it is ${target}`)
  return link
}

/** Keeps `path` from the garbage collector under a name; one name holds one path. */
export async function makeRoot({ stateDir }: StoreLocation, name: string, path: string): Promise<void> {
  const link = join(stateDir, rootsDir, checkedName(name))
  // The collector reads every entry: a half-made root only keeps its path a little longer.
  const temporary = `${link}.new-${process.pid}`
  try {
    await mkdir(dirname(link), { recursive: true })
    await rm(temporary, { force: true })
    await symlink(path, temporary)
    await rename(temporary, link)
    await syncDirectory(dirname(link))
  } catch (thrown) {
    throw storeErrorFromFile(thrown, link)
  }
}

/** Lets go of a named root; one that is not there is no error. */
export async function removeRoot({ stateDir }: StoreLocation, name: string): Promise<void> {
  const link = join(stateDir, rootsDir, checkedName(name))
  await rm(link, { force: true })
}

/** A program of Nix, in the folder that was chosen or found by name. */
export function program({ nixBinDir }: Pick<StoreLocation, 'nixBinDir'>, name: string): string {
  return nixBinDir === undefined ? name : join(nixBinDir, name)
}

function checkedName(name: string): string {
  if (rootName.test(name)) return name
  throw storeError('path-invalid', `Expected a name of letters, digits, '_', '.' and '-', got '${name.slice(0, 128)}'`)
}

function lastError(stderr: string): string {
  const at = stderr.lastIndexOf('error:')
  return at < 0 ? stderr : stderr.slice(at)
}
