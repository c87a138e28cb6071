/** Permanent roots: generations of profiles, and named garbage-collector roots. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../../protocol/errors.ts'
import { replaceLink, syncDirectory } from '../../files/durable-file.ts'
import { nixEnvLimitMs } from '../limits.ts'
import { storeError, storeErrorFromDaemon, storeErrorFromFile } from '../store-error.ts'

const run = promisify(execFile)

/** One path component without a leading dot. */
const rootName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
/** A directory of our own among the roots, so that they are easy to identify and remove. */
const rootsDir = join('gcroots', 'thymesh')

/** A store's state directory, and how Nix's programs reach it. */
export interface StoreLocation {
  /** A real path, `…/nix/var/nix`. */
  readonly stateDir: string
  /** For `--store`; undefined for the system's store. */
  readonly storeUri: string | undefined
  readonly nixBinDir: string | undefined
}

/** The profile's real path: `profile` itself if it is absolute, else within the state's `profiles/`. */
export function profilePath({ stateDir }: StoreLocation, profile: string): string {
  if (isAbsolute(profile)) return profile
  return join(stateDir, 'profiles', checkedName(profile))
}

/**
 * Makes `path` the newest generation of a profile; repeating it adds no generation. The links are on disk on return.
 * Uses nix-env, which shares the profile's lock with manual use and implements the numbering and deletion of
 * generations.
 */
export async function setProfile(location: StoreLocation, profile: string, path: string): Promise<string> {
  const link = profilePath(location, profile)
  await mkdir(dirname(link), { recursive: true })
  // nix-env leaves ~/.nix-defexpr in the home directory.
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

/** Protects `path` from the garbage collector under a name; one name holds one path. */
export async function makeRoot({ stateDir }: StoreLocation, name: string, path: string): Promise<void> {
  const link = join(stateDir, rootsDir, checkedName(name))
  // The collector reads every entry: an incomplete root only protects its path a little longer.
  try {
    await mkdir(dirname(link), { recursive: true })
    await replaceLink(link, path, `${link}.new-${process.pid}`)
  } catch (thrown) {
    throw storeErrorFromFile(thrown, link)
  }
}

/** Removes a named root; a missing one isn't an error. */
export async function removeRoot({ stateDir }: StoreLocation, name: string): Promise<void> {
  const link = join(stateDir, rootsDir, checkedName(name))
  await rm(link, { force: true })
}

/** A program of Nix, in the configured directory or on the PATH. */
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
