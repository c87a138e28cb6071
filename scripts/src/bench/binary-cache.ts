/** Binary caches for nginx to serve, made once and kept: what a fleet would use instead of a mesh. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from './apt.ts'
import { cache } from './closures.ts'
import type { System } from './systems.ts'

export type Compression = 'none' | 'zstd'

/** Makes the cache of a system with `nix copy`, or finds it made; gives its folder. */
export async function binaryCache(system: System, compression: Compression): Promise<string> {
  const top = system.topLevel.slice('/nix/store/'.length)
  const directory = join(cache, 'caches', `${system.name}-${compression}-${top.slice(0, 32)}`)
  if (await exists(join(directory, 'complete'))) return directory
  await rm(directory, { recursive: true, force: true })
  const store = `file://${directory}?compression=${compression}&parallel-compression=false`
  await output('nix', ['--extra-experimental-features', 'nix-command', 'copy', '--to', store, system.topLevel])
  await output('touch', [join(directory, 'complete')])
  return directory
}

function exists(file: string): Promise<boolean> {
  return output('test', ['-e', file]).then(
    () => true,
    () => false,
  )
}
