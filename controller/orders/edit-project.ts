/** Edits of the project's files over the API: shown before they are made, and made only of what their author has seen. */

import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { editedSchema, editOptions, OneEdit, previewOptions, previewSchema } from '../api/schemas/edits.ts'
import { errorJson } from '../format/error-json.ts'
import { readProject } from '../inputs/read-project.ts'
import { applyEdits, settingsProblems } from '../project/apply-edits.ts'
import { EditError, ProjectEdit } from '../project/edit.ts'
import { commitFiles } from '../project/git.ts'
import { jsonChanges } from '../project/json-changes.ts'
import { LocatedJson } from '../project/located-json.ts'
import { CheckError, problemJson, sortedProblems } from '../project/problem.ts'
import type { Change } from '../project/write-files.ts'

type In = { readonly directory: string }

/** Writes nothing. */
export async function previewEdits(
  { directory }: In,
  { edits }: z.output<typeof previewOptions>,
): Promise<z.infer<typeof previewSchema>> {
  const { edit, added, known } = await made(directory, edits)
  return {
    files: edit.changes.map(changedFile),
    problems: added.map(problemJson),
    others: known.map(problemJson),
  }
}

/** Writes all of it, or nothing where anything would become wrong or is another than its author saw. */
export async function writeEdits(
  { directory }: In,
  { edits, seen, commit: message }: z.output<typeof editOptions>,
): Promise<z.infer<typeof editedSchema>> {
  const { edit, added } = await made(directory, edits)
  for (const change of edit.changes) requireSeen(change, seen)
  if (added.length > 0) throw new CheckError(added)
  const after = edit.changes.map(change => ({ file: change.file, after: hashOf(change.after) }))
  const written = await edit.save()
  return { written, files: after, ...(await committed(edit.directory, written, message)) }
}

/** A commit that Git refuses takes nothing back: the answer says both. */
export async function committed(
  directory: string,
  written: readonly string[],
  message: string | undefined,
): Promise<Pick<z.infer<typeof editedSchema>, 'commit' | 'commitError'>> {
  if (message === undefined || written.length === 0) return { commit: null, commitError: null }
  try {
    return { commit: await commitFiles(directory, written, message), commitError: null }
  } catch (thrown) {
    return { commit: null, commitError: errorJson(thrown) }
  }
}

async function made(directory: string, edits: readonly OneEdit[]) {
  const open = await readProject(directory)
  const edit = new ProjectEdit(open.project.directory)
  await applyEdits(edit, edits, open.files)
  const { added, known } = await edit.findings(open.describe)
  return { edit, added: sortedProblems([...added, ...(await settingsProblems(edit))]), known }
}

function requireSeen({ file, before }: Change, seen: Readonly<Record<string, string | null>>): void {
  if (!Object.hasOwn(seen, file)) {
    throw new EditError('not-seen', `expected in "seen" the hash of ${file}, which the edit changes, got none`, {
      hint: 'Ask for a preview first: it names all files with their hashes.',
    })
  }
  if (seen[file] === hashOf(before)) return
  throw new EditError('changed-meanwhile', `${file} was changed in the meantime; nothing was written`, {
    hint: 'Read it again, review the change, then try again.',
  })
}

function changedFile({ file, before, after }: Change): z.infer<typeof previewSchema>['files'][number] {
  const [was, is] = [before, after].map(bytes =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8'),
  )
  const isJson = file.endsWith('.json')
  const [old, next] = [was, is].map(text => (text === undefined ? undefined : new LocatedJson(file, text)))
  const isRight = isJson && [old, next].every(json => json === undefined || json.problems.length === 0)
  return {
    ...{ file, before: hashOf(before), after: hashOf(after) },
    changes: isRight
      ? jsonChanges(old?.value, next?.value).map(change => ({ ...change, path: [...change.path] }))
      : null,
    text: { before: was ?? null, after: is ?? null },
  }
}

function hashOf(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : createHash('sha256').update(bytes).digest('hex')
}
