/** The program as it is shipped, bundled for one soak. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle } from '../bundle.ts'
import { repository } from '../demo/processes.ts'

/** Its launcher; the bundle is removed with the stack. */
export async function shippedProgram(stack: AsyncDisposableStack): Promise<string> {
  // Below node_modules' own folder, where the program finds what it doesn't bundle.
  const cache = join(repository, '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'soak-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  return await bundle(join(folder, 'dist'), { page: false })
}
