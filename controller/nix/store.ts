/** Paths that the controller itself puts into the Nix store or keeps there. */

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { BuildError, lastLines, runNix, storeFlags, storeLimit } from './nix-program.ts'

/** Copies a file or folder into the store, under its own name; gives the store path. Throws a BuildError. */
export async function addToStore(path: string, store?: string): Promise<string> {
  const result = await runNix('nix-store', [...storeFlags(store), '--add', path], { limit: storeLimit })
  const added = storePathSchema.safeParse(result.stdout.trim())
  if (result.code === 0 && added.success) return added.data
  throw new BuildError('store-failed', `the project can't be copied into the Nix store:\n${lastLines(result)}`, {
    hint: 'Look at the store, at its free space and at your rights to it, then try again.',
  })
}

/** Keeps a path that is in the store from the garbage collector, by a link in a folder. Throws a BuildError. */
export async function keepPath(path: string, rootsDirectory: string, name: string, store?: string): Promise<void> {
  const link = join(rootsDirectory, name)
  await mkdir(dirname(link), { recursive: true })
  const args = [...storeFlags(store), '--add-root', link, '--indirect', '--realise', path]
  const result = await runNix('nix-store', args, { limit: storeLimit })
  if (result.code !== 0) {
    throw new BuildError('store-failed', `${path} can't be kept from the garbage collector:\n${lastLines(result)}`, {
      hint: `Look at the store and at the rights of ${rootsDirectory}, then try again.`,
    })
  }
}
