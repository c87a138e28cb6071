/** What a config comes to, without building it: the store path that it would have. */

import { storePathSchema } from '../../protocol/nix/store-path.ts'
import { evaluationLimit, flakeFlags, runNix, storeFlags, storeLimit } from '../nix/nix-program.ts'
import type { ProjectTree } from '../project/tree.ts'

/** Undefined where it can't be evaluated: the build says why. Nix keeps the evaluation for the build. Throws a BuildError without Nix. */
export async function topLevelOf(
  tree: ProjectTree,
  name: string,
  store: string | undefined,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const attribute = `${await tree.flake(store)}#thymesh.configs.${name}`
  const asked = signal === undefined ? {} : { asked: signal }
  const args = ['path-info', '--derivation', ...storeFlags(store), ...(await flakeFlags()), attribute]
  const derivation = await runNix('nix', args, { cwd: tree.directory, limit: evaluationLimit, ...asked })
  if (derivation.code !== 0) return undefined
  const query = [...storeFlags(store), '--query', '--outputs', derivation.stdout.trim()]
  const outputs = await runNix('nix-store', query, { limit: storeLimit, ...asked })
  return storePathSchema.safeParse(outputs.stdout.trim()).data
}
