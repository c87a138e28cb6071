/** The closure of a path in the store, as the `nix` program tells it. */

import { z } from 'zod'
import type { SizedPath } from './closure-diff.ts'
import { BuildError, commonFlags, lastLines, runNix, storeFlags, storeLimit } from './nix-program.ts'

/** A list up to Nix 2.18, an object by path since. */
const infosSchema = z.union([
  z.array(z.object({ path: z.string(), narSize: z.int() })),
  z
    .record(z.string(), z.object({ narSize: z.int() }))
    .transform(infos => Object.entries(infos).map(([path, { narSize }]) => ({ path, narSize }))),
])

export async function closurePaths(topLevel: string, store: string | undefined): Promise<SizedPath[]> {
  const result = await runNix(
    'nix',
    ['path-info', '--json', '-r', ...storeFlags(store), ...(await commonFlags()), topLevel],
    { limit: storeLimit },
  )
  if (result.code === 0) return infosSchema.parse(JSON.parse(result.stdout))
  throw new BuildError('store-failed', `the closure of ${topLevel} can't be read:\n${lastLines(result)}`, {
    hint: 'Look at the store: nix-store --verify. Missing paths are built again.',
  })
}
