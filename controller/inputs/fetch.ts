/** Fetching private inputs with their credentials before Nix evaluates: afterwards they are in the store, where it finds them. */

import { z } from 'zod'
import { sourcePath } from '../../protocol/nix/source-path.ts'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { commonFlags, errorLines, lastLines, lockLimit, runNix, storeFlags, storeLimit } from '../nix/nix-program.ts'
import { readNixError } from '../project/nix-errors.ts'
import type { Project } from '../project/project.ts'
import { Credentials, credentialsOf } from './credentials.ts'
import { InputError } from './flake-text.ts'
import { type Lock, readLock } from './lock.ts'

/**
 * Fetches what the flake.lock in a folder names and the store lacks, if thymesh.json names a secret for an input; inputs
 * of a private input may be private too. Secrets are opened only when something is missing. Throws an InputError.
 */
export async function fetchPrivateInputs(project: Project, folder: string, store: string | undefined): Promise<void> {
  const inputs = project.inputs ?? {}
  if (Object.values(inputs).every(({ secret }) => secret === undefined)) return
  const sources = sourcesOf(await readLock(folder))
  const missing = await missingPaths([...sources.keys()], store)
  if (missing.length === 0) return
  const credentials = await Credentials.write(await credentialsOf(project, inputs))
  try {
    for (const path of missing) await fetchSource(sources.get(path) ?? {}, credentials, store)
  } finally {
    await credentials.remove()
  }
}

const narHashSchema = z.string().regex(/^sha256-[A-Za-z0-9+/]{43}=$/)

/** Store path → the source's entry in flake.lock. Folders of a machine need no credentials. */
function sourcesOf(lock: Lock | undefined): Map<string, object> {
  return new Map(
    Object.values(lock?.nodes ?? {}).flatMap(({ locked }) => {
      const narHash = narHashSchema.safeParse(locked?.narHash)
      if (!narHash.success || locked?.type === 'path') return []
      // Where in the source the flake is: no matter of fetching.
      const { dir: _, ...source } = locked ?? {}
      return [[sourcePath(Buffer.from(narHash.data.slice('sha256-'.length), 'base64')), source] as const]
    }),
  )
}

async function missingPaths(paths: readonly string[], store: string | undefined): Promise<string[]> {
  if (paths.length === 0) return []
  const args = [...storeFlags(store), '--check-validity', '--print-invalid', ...paths]
  const result = await runNix('nix-store', args, { limit: storeLimit })
  if (result.code === 0) return z.array(storePathSchema).parse(result.stdout.split('\n').filter(line => line !== ''))
  throw new InputError('input-failed', `the Nix store can't be read:\n${lastLines(result)}`, {
    hint: 'Look at the store and at your rights to it, then try again.',
  })
}

async function fetchSource(source: object, credentials: Credentials, store: string | undefined): Promise<void> {
  const expression = '(builtins.fetchTree (builtins.fromJSON (builtins.getEnv "THYMESH_SOURCE"))).outPath'
  const flags = ['--raw', '--impure', ...storeFlags(store), ...(await commonFlags())]
  const env = { ...process.env, ...credentials.environment, THYMESH_SOURCE: JSON.stringify(source) }
  const result = await runNix('nix', ['eval', ...flags, '--expr', expression], { limit: lockLimit, env })
  if (result.code === 0) return
  const { message } = readNixError(errorLines(result), '/')
  throw new InputError('input-failed', credentials.without(message), {
    hint: 'Look at the URL in flake.lock, and at the secret that thymesh.json names for the input.',
  })
}
