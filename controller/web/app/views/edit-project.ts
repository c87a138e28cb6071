/** Edits of the project that a dialog makes at once: shown by the controller first, then written. */

import { client, failureOf } from '../data/client.ts'
import { unlocking } from '../data/orders.svelte.ts'
import type { Edited, OneEdit, Preview } from '../data/project.ts'
import { session } from '../data/session.svelte.ts'
import { toaster } from '../parts/toasts.svelte.ts'
import { projectWords } from './project-words.ts'

/** Whether the keys are open, after asking for them where they are not. */
export async function unlocked(): Promise<boolean> {
  return session.unlockedUntil !== undefined || (await unlocking.ask())
}

/** Gives nothing, or what is wrong with them. A message commits what was written. */
export async function editProject(edits: readonly OneEdit[], commit = ''): Promise<string | undefined> {
  try {
    const preview = await client.post<Preview>('/v1/project/preview', { edits })
    const [problem] = preview.problems
    if (problem !== undefined) return problem.message
    if (!(await unlocked())) return projectWords().leave
    const seen = Object.fromEntries(preview.files.map(({ file, before }) => [file, before]))
    tellSaved(await client.post<Edited>('/v1/project/edit', { edits, seen, ...(commit && { commit }) }))
    return undefined
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return `${message} ${hint}`.trim()
  }
}

export function tellSaved({ written, commit, commitError }: Edited): void {
  if (commitError !== null) {
    toaster.say({ tone: 'bad', text: `${projectWords().notCommitted}: ${commitError.message}`, hint: commitError.hint })
  } else if (commit !== null) toaster.say({ tone: 'good', text: projectWords().committed(commit.slice(0, 9)) })
  else toaster.say({ tone: 'good', text: projectWords().saved(written.join(', ')) })
}
