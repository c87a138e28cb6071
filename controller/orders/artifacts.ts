/** Artifacts over the API: files of the project for devices, added, replaced and removed. */

import { createHash } from 'node:crypto'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import type { addArtifactOptions, removeArtifactOptions } from '../api/schemas/artifacts.ts'
import type { editedSchema } from '../api/schemas/edits.ts'
import { type OpenProject, readProject } from '../inputs/read-project.ts'
import { artifactProblem, artifactsFolder } from '../project/artifacts.ts'
import { EditError, entryExists, ProjectEdit } from '../project/edit.ts'
import { requireUnused } from '../project/edit-error.ts'
import { mentionUsers } from '../project/uses.ts'
import { committed } from './edit-project.ts'
import type { Place } from './order.ts'

type Edited = z.infer<typeof editedSchema>

/** Throws an EditError where a path would lead out of artifacts/. */
export function checkedArtifactPath(path: string): string {
  const parts = path.split('/')
  if (!path.startsWith('/') && !path.includes('\0') && !parts.some(part => ['', '.', '..'].includes(part))) return path
  throw new EditError('invalid-name', `expected a path below ${artifactsFolder}/ without . or .., got ${path}`, {
    hint: 'Give it another name: thymesh artifact add SOURCE NAME.',
  })
}

export async function addArtifact(place: Place, options: z.output<typeof addArtifactOptions>): Promise<Edited> {
  const path = checkedArtifactPath(options.path)
  const file = `${artifactsFolder}/${path}`
  return await edited(place, options.commit, async edit => {
    await requireNoLink(edit.directory, file)
    const before = await edit.readBytes(file)
    if (before !== undefined && options.replaces === undefined) throw entryExists(`artifact ${path}`, file)
    const hash = before && createHash('sha256').update(before).digest('hex')
    if (hash !== options.replaces) {
      throw new EditError('changed-meanwhile', `${file} was changed in the meantime; nothing was written`, {
        hint: 'Look at it again, then try again.',
      })
    }
    await edit.write(file, Buffer.from(options.base64, 'base64'))
  })
}

export async function removeArtifact(place: Place, options: z.output<typeof removeArtifactOptions>): Promise<Edited> {
  return await edited(place, options.commit, (edit, open) => takeAwayArtifact(edit, open, options.path, options.force))
}

/** Unless a setting names it; `force` also where that isn't known. Throws an EditError. */
export async function takeAwayArtifact(
  edit: ProjectEdit,
  { project, files, describe }: OpenProject,
  name: string,
  force: boolean,
): Promise<void> {
  const wrong = await artifactProblem(project.directory, name)
  if (wrong !== undefined) {
    throw new EditError('no-such-entry', wrong, { hint: '`thymesh artifact list` shows the artifacts.' })
  }
  const { users, unread } = await mentionUsers('artifact', project.directory, files, describe)
  const own = [...users].filter(([path]) => `${path}/`.startsWith(`${name}/`)).map(([, each]) => each)
  requireUnused(`the artifact ${name}`, own, unread, force)
  for (const file of await filesBelow(project.directory, `${artifactsFolder}/${name}`)) await edit.remove(file)
}

async function filesBelow(directory: string, path: string): Promise<string[]> {
  if (!(await lstat(join(directory, path))).isDirectory()) return [path]
  const names = await readdir(join(directory, path))
  return (await Promise.all(names.map(name => filesBelow(directory, `${path}/${name}`)))).flat()
}

/** A link on the way may lead anywhere: what is written through it is not the project's. */
async function requireNoLink(directory: string, file: string): Promise<void> {
  const parts = file.split('/')
  for (let length = 1; length <= parts.length; length++) {
    const above = parts.slice(0, length).join('/')
    const about = await lstat(join(directory, above)).catch(() => undefined)
    if (about?.isSymbolicLink() !== true) continue
    throw new EditError('invalid-name', `expected a path without links, got ${file}: ${above} is one`, {
      hint: 'Choose another name, or replace the link by a folder.',
    })
  }
}

async function edited(
  { directory }: Pick<Place, 'directory'>,
  message: string | undefined,
  change: (edit: ProjectEdit, open: OpenProject) => Promise<void>,
): Promise<Edited> {
  const open = await readProject(directory)
  const edit = new ProjectEdit(open.project.directory)
  await change(edit, open)
  const hashOf = (bytes: Uint8Array | undefined) => bytes && createHash('sha256').update(bytes).digest('hex')
  const files = edit.changes.map(({ file, after }) => ({ file, after: hashOf(after) ?? null }))
  const written = await edit.apply(open.describe)
  return { written, files, ...(await committed(edit.directory, written, message)) }
}
