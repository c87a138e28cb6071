/** The version before this one, from the repository's own history, as a tree of its own that runs with this one's packages. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HintedError } from '../../protocol/errors.ts'

const run = promisify(execFile)

/** The last commit of the version before. A release of this version replaces it by its own. */
const commitOfBefore = 'a33c83b'

const root = join(import.meta.dirname, '../..')

/** Its tree, removed with the test. Throws a HintedError in a clone without the history. */
export async function treeOfBefore(ending: { after(undo: () => Promise<void>): void }): Promise<string> {
  await run('git', ['cat-file', '-e', `${commitOfBefore}^{commit}`], { cwd: root }).catch(cause => {
    throw new HintedError('no-history', `expected the commit ${commitOfBefore} in the history, and it is not there`, {
      hint: 'Fetch the whole history: git fetch --unshallow',
      cause,
    })
  })
  const tree = await mkdtemp(join(tmpdir(), 'thymesh-before-'))
  ending.after(() => rm(tree, { recursive: true, force: true }))
  const archive = join(tree, 'tree.tar')
  await run(
    'git',
    ['archive', '-o', archive, commitOfBefore, 'package.json', 'protocol', 'node', 'controller', 'test'],
    {
      cwd: root,
    },
  )
  await run('tar', ['-xf', archive, '-C', tree])
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}
