/** A profile's generations, and garbage collection, by Nix's own programs. */
import { execFile } from 'node:child_process'
import { lstat, mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { messageOf } from '../../../protocol/errors.ts'
import { collectLimitMs, nixEnvLimitMs } from '../limits.ts'
import { storeError } from '../store-error.ts'
import { profilePath, program, type StoreLocation } from './roots.ts'

const run = promisify(execFile)

export interface Generation {
  readonly number: number
  readonly path: string
  readonly made: Date
  /** Whether the profile points to it. */
  readonly current: boolean
}

/** All generations of a profile, oldest first; empty if there is no such profile. */
export async function generationsOf(location: StoreLocation, profile: string): Promise<Generation[]> {
  const link = profilePath(location, profile)
  const current = await readlink(link).catch(() => undefined)
  const names = await readdir(dirname(link)).catch(() => [])
  const found: Generation[] = []
  for (const name of names) {
    const number = numberOf(name, basename(link))
    if (number === undefined) continue
    const file = resolve(dirname(link), name)
    const [path, { mtime }] = [await readlink(file), await lstat(file)]
    found.push({ number, path, made: mtime, current: name === current })
  }
  return found.sort((a, b) => a.number - b.number)
}

function numberOf(name: string, profile: string): number | undefined {
  const digits = name.startsWith(`${profile}-`)
    ? /^([0-9]+)-link$/.exec(name.slice(profile.length + 1))?.[1]
    : undefined
  return digits === undefined ? undefined : Number(digits)
}

/** Deletes generations by number; Nix refuses to delete the current one. */
export async function deleteGenerations(
  location: StoreLocation,
  profile: string,
  numbers: readonly number[],
): Promise<void> {
  if (numbers.length === 0) return
  const args = ['--profile', profilePath(location, profile), '--delete-generations', ...numbers.map(String)]
  await nix(location, 'nix-env', args, nixEnvLimitMs)
}

/** Deletes every path that isn't reachable from a root. */
export async function collectGarbage(location: StoreLocation): Promise<void> {
  await nix(location, 'nix-store', ['--gc'], collectLimitMs)
}

/** Deletes these paths; Nix refuses to delete one that is reachable from a root. */
export async function deletePaths(location: StoreLocation, paths: readonly string[]): Promise<void> {
  if (paths.length > 0) await nix(location, 'nix-store', ['--delete', ...paths], collectLimitMs)
}

async function nix(location: StoreLocation, name: string, args: readonly string[], timeout: number): Promise<void> {
  // Nix's programs leave files in the home directory.
  const home = await mkdtemp(join(tmpdir(), 'thymesh-nix-'))
  const store = location.storeUri === undefined ? [] : ['--store', location.storeUri]
  try {
    const env = { ...process.env, HOME: home, NIX_REMOTE: undefined }
    const options = { timeout, killSignal: 'SIGKILL' as const, env, maxBuffer: 64 * 1024 * 1024 }
    await run(program(location, name), [...store, ...args], options)
  } catch (thrown) {
    throw storeError('store-unavailable', `${name} ${args[0]}: ${messageOf(thrown).slice(-500)}`, thrown)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
