/** Makes edits of the project, one after the other, each on what those before it have left. */

import type { z } from 'zod'
import { rolloutPolicySchema } from '../../protocol/release/rollout-policy.ts'
import type { OneEdit } from '../api/schemas/edits.ts'
import { EditError, type ProjectEdit } from './edit.ts'
import { newText, setValue } from './edit-json.ts'
import { addEntry, removeEntry, renameEntry, setPath, unsetPath, writeEntry } from './entries.ts'
import { type ProjectFiles, readProjectFiles } from './files.ts'
import { LocatedJson } from './located-json.ts'
import { addModule, removeModule, writeModule } from './module-files.ts'
import { CheckError, type Problem } from './problem.ts'
import { projectFile } from './project.ts'
import { projectSchema } from './schemas.ts'
import { shapeOf } from './shape.ts'

const rolloutFile = 'rollout.json'

export async function applyEdits(edit: ProjectEdit, edits: readonly OneEdit[], files: ProjectFiles): Promise<void> {
  let now = files
  for (const each of edits) {
    await applyOne(edit, each, now)
    // What names what is another one now.
    if (each.do !== 'set-in-file' && each.do !== 'reset-in-file')
      now = await readProjectFiles(edit.directory, edit.overlay)
  }
}

async function applyOne(edit: ProjectEdit, one: OneEdit, files: ProjectFiles): Promise<void> {
  switch (one.do) {
    case 'set':
      return await setPath(edit, one.in, one.name, one.path, one.value, files)
    case 'reset':
      return await unsetPath(edit, one.in, one.name, one.path, files)
    case 'add':
      return await addEntry(edit, one.in, one.name, one.content)
    case 'remove':
      return await removeEntry(edit, one.in, one.name, files)
    case 'rename':
      return await renameEntry(edit, one.in, [one.name, one.to], files)
    case 'write':
      return await writeEntry(edit, one.in, one.name, one.text, files)
    case 'set-in-file':
      return await setInFile(edit, one.file, one.path, one.value)
    case 'reset-in-file':
      return await setInFile(edit, one.file, one.path, undefined)
    case 'add-module':
      return await addModule(edit, one.name, one.text)
    case 'write-module':
      return await writeModule(edit, one.name, one.text, files)
    case 'remove-module':
      return await removeModule(edit, one.name, files)
  }
}

async function setInFile(
  edit: ProjectEdit,
  file: string,
  path: readonly (string | number)[],
  value: unknown,
): Promise<void> {
  if (file === projectFile && path[0] === 'fleet') {
    throw new EditError('invalid-name', `expected another key of ${projectFile}, got fleet, which never changes`, {
      hint: 'Another fleet has a project of its own: thymesh init.',
    })
  }
  const before = (await edit.read(file)) ?? newText({})
  const { problems } = new LocatedJson(file, before)
  if (problems.length > 0) throw new CheckError(problems)
  await edit.write(file, setValue(before, path, value, file === projectFile ? Object.keys(projectSchema.shape) : []))
}

/** What is wrong in edited files that no other check reads as they will be. */
export async function settingsProblems(edit: ProjectEdit): Promise<readonly Problem[]> {
  const schemas: Record<string, z.ZodType> = { [projectFile]: projectSchema, [rolloutFile]: rolloutPolicySchema }
  const found = await Promise.all(
    Object.entries(schemas).map(async ([file, schema]) => {
      const text = edit.changed.includes(file) ? await edit.read(file) : undefined
      return text === undefined ? [] : shapeOf(new LocatedJson(file, text), schema).problems
    }),
  )
  return found.flat()
}
