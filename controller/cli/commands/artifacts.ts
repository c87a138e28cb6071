/** `thymesh artifact …`: files and folders that configs put on devices. */

import { cp, lstat, readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { size, table } from '../../format/table.ts'
import { artifactProblem, artifactsFolder, listArtifacts } from '../../project/artifacts.ts'
import { EditError, entryExists } from '../../project/edit.ts'
import { git } from '../../project/git.ts'
import { checkLayers } from '../../project/layers.ts'
import { describeModules } from '../../project/modules.ts'
import { editProject, readProject } from '../shell/edit-project.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export async function list(options: ProjectOptions): Promise<undefined> {
  const { project } = await readProject(options)
  const artifacts = await listArtifacts(project.directory)
  const rows = artifacts.map(({ path, kind, size: bytes }) => [path, kind, size(bytes)])
  print(options, { artifacts }, table(['ARTIFACT', 'KIND', 'SIZE'], rows))
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
  if (name.startsWith('/') || name.split('/').some(part => ['', '.', '..'].includes(part))) {
    throw new EditError('invalid-name', `expected a path below ${artifactsFolder}/ without . or .., got ${name}`, {
      hint: 'Give it another name: thymesh artifact add SOURCE NAME.',
    })
  }
  if (!about.isDirectory()) {
    return await editProject(options, `Added artifact ${name}`, async edit => {
      const file = `${artifactsFolder}/${name}`
      if ((await edit.readBytes(file)) !== undefined) throw entryExists(`artifact ${name}`, file)
      await edit.write(file, await readFile(options.source))
    })
  }
  const { project } = await readProject(options)
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
  return await editProject(options, `Removed artifact ${options.name}`, async (edit, { project, files, describe }) => {
    const wrong = await artifactProblem(project.directory, options.name)
    if (wrong !== undefined) {
      throw new EditError('no-such-entry', wrong, { hint: '`thymesh artifact list` shows the artifacts.' })
    }
    const { modules, problems } = await describeModules(project.directory, files.modules, describe)
    const { mentions } = await checkLayers(project.directory, files, modules, problems.length === 0)
    const users = mentions.filter(({ kind, name }) => kind === 'artifact' && `${name}/`.startsWith(`${options.name}/`))
    if (users.length > 0) {
      const places = users.map(({ place }) => `${place.json.file} (${place.path.join('.')})`).join(', ')
      throw new EditError('in-use', `the artifact ${options.name} is in use: ${places}`, {
        hint: 'Change these settings first.',
      })
    }
    for (const file of await filesBelow(project.directory, `${artifactsFolder}/${options.name}`))
      await edit.remove(file)
  })
}

async function filesBelow(directory: string, path: string): Promise<string[]> {
  if (!(await lstat(join(directory, path))).isDirectory()) return [path]
  const names = await readdir(join(directory, path))
  return (await Promise.all(names.map(name => filesBelow(directory, `${path}/${name}`)))).flat()
}
