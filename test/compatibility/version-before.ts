/** The version before this one, from its sources as a fixture, as a tree of its own that runs with this one's packages. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const root = join(import.meta.dirname, '../..')
/**
 * `git archive` of the last commit of the version before, a33c83b, without its tests. It doesn't come from the history, so
 * that a clone without the history runs it too. A release of this version replaces it by its own.
 */
const archive = join(root, 'test/fixtures/version-before.tar.gz')

/** Its tree, removed with the test. */
export async function treeOfBefore(ending: { after(undo: () => Promise<void>): void }): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), 'thymesh-before-'))
  ending.after(() => rm(tree, { recursive: true, force: true }))
  await run('tar', ['-xzf', archive, '-C', tree])
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}
