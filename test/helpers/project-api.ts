/** The local API of a controller with a project: a Git repository with files, and the real Nix for its modules. */

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { newText } from '../../controller/project/edit-json.ts'
import { git } from '../../controller/project/git.ts'
import { flakeFile } from '../../controller/project/template.ts'
import { type Served, served } from './served-api.ts'
import { testDirectory } from './state.ts'

export interface ServedProject extends Served {
  readonly directory: string
}

/** `files` by their path; objects become JSON. All are committed. */
export async function servedProject(t: TestContext, files: Record<string, string | object>): Promise<ServedProject> {
  const made = await served(t, 0)
  const directory = await testDirectory(t)
  const about = { fleet: made.session.peer.fleet, name: 'orchard' }
  const all = { 'thymesh.json': about, 'flake.nix': flakeFile('orchard'), ...files }
  for (const [name, content] of Object.entries(all)) {
    const file = join(directory, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, typeof content === 'string' ? content : newText(content))
  }
  await git(directory, ['init', '--quiet', '--initial-branch=main'])
  await git(directory, ['config', 'user.name', 'Ada'])
  await git(directory, ['config', 'user.email', 'ada@example.org'])
  await git(directory, ['add', '-A'])
  await git(directory, ['commit', '--quiet', '-m', 'All of it'])
  Object.assign(made.session, { directory })
  return { ...made, directory }
}
