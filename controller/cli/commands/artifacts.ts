/** `thymesh artifact …`: files and folders that configs put on devices. */

import { cp, lstat, readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { size, table } from '../../format/table.ts'
import { readProject } from '../../inputs/read-project.ts'
import { checkedArtifactPath, takeAwayArtifact } from '../../orders/artifacts.ts'
import { artifactProblem, artifactsFolder } from '../../project/artifacts.ts'
import { EditError, entryExists } from '../../project/edit.ts'
import { git } from '../../project/git.ts'
import { queryArtifacts } from '../../queries/sources.ts'
import { editProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function list(options: ProjectOptions): Promise<undefined> {
  const { artifacts } = await queryArtifacts({ directory: options.project })
  const rows = artifacts.map(({ path, kind, size: bytes, places }) => [
    path,
    kind,
    size(bytes),
    places.join(', ') || '-',
  ])
  print(options, { artifacts }, table(['ARTIFACT', 'KIND', 'SIZE', 'USED BY'], rows))
  return undefined
}

/** Copies a file or folder into the project. */
export async function add(options: ProjectOptions & { source: string; name?: string }): Promise<undefined> {
  const name = options.name ?? basename(resolve(options.source))
  const about = await lstat(options.source).catch(() => undefined)
  if (about === undefined) {
    throw new EditError('no-such-entry', `expected a file or folder, found no ${options.source}`, {
      hint: 'Check the path for a typing error.',
    })
  }
  checkedArtifactPath(name)
  if (!about.isDirectory()) {
    return await editProject(options, `Added artifact ${name}`, async edit => {
      const file = `${artifactsFolder}/${name}`
      if ((await edit.readBytes(file)) !== undefined) throw entryExists(`artifact ${name}`, file)
      await edit.write(file, await readFile(options.source))
    })
  }
  const { project } = await readProject(options.project)
  const target = join(project.directory, artifactsFolder, name)
  if ((await readdir(target).catch(() => undefined)) !== undefined) {
    throw entryExists(`artifact ${name}`, `${artifactsFolder}/${name}`)
  }
  await cp(options.source, target, { recursive: true, errorOnExist: true, force: false })
  const wrong = await artifactProblem(project.directory, name)
  await git(project.directory, ['add', '--intent-to-add', '--', `${artifactsFolder}/${name}`])
  const written = [`${artifactsFolder}/${name}`]
  print(
    options,
    { written },
    `Added artifact ${name}: ${written.join(', ')}${wrong === undefined ? '' : `\nBut ${wrong}.`}`,
  )
  return undefined
}

/** Removes an artifact, unless a setting names it. */
export async function remove(options: ProjectOptions & { name: string }): Promise<undefined> {
  return await editProject(options, `Removed artifact ${options.name}`, (edit, open) =>
    takeAwayArtifact(edit, open, options.name),
  )
}
