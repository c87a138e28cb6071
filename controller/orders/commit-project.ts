/** A commit of what differs from the last one in the project's folder: only files that its author has seen in the list. */

import type { z } from 'zod'
import type { commitOptions, committedSchema } from '../api/schemas/edits.ts'
import { EditError } from '../project/edit-error.ts'
import { changedFiles, commitFiles } from '../project/git.ts'
import { openProject } from '../project/project.ts'

type In = { readonly directory: string }

/** Throws an EditError where one of them has a conflict, which a person has to end in an editor, and a GitError. */
export async function commitProject(
  { directory: from }: In,
  { message, files }: z.output<typeof commitOptions>,
): Promise<z.infer<typeof committedSchema>> {
  const { directory } = await openProject(from)
  const conflict = (await changedFiles(directory)).find(
    ({ file, state }) => state === 'conflict' && files.includes(file),
  )
  if (conflict !== undefined) {
    throw new EditError('merge-conflict', `${conflict.file} is in the middle of a merge`, {
      hint: 'End the merge in an editor and with git first.',
    })
  }
  return { commit: await commitFiles(directory, files, message) }
}
