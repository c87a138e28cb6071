/** An operator's folder that is another user's, for who works as root: its owner's controller does what writes there. */

import { stat } from 'node:fs/promises'
import { unlessMissing } from '../../../node/files/missing.ts'
import { RehearsalError } from '../../rehearsal/rehearsal-error.ts'

/**
 * Throws a RehearsalError where the folder is not this user's and `runs` names no controller: what ours would write there, its
 * owner could neither read nor remove, and their own commands would fail from then on.
 */
export async function requireOwnersController(
  directory: string,
  runs: () => Promise<string | undefined>,
  uid = process.getuid?.(),
): Promise<void> {
  if (!(await isForeign(directory, uid)) || (await runs()) !== undefined) return
  throw new RehearsalError('try-needs', `${directory} is another user's, and no controller of theirs runs`, {
    hint: 'As that user, start `thymesh serve` in the project, then run this again: it asks that controller.',
  })
}

/** Whether the folder is there, and another user's. */
export async function isForeign(directory: string, uid = process.getuid?.()): Promise<boolean> {
  const owner = (await unlessMissing(stat(directory)))?.uid
  return owner !== undefined && owner !== uid
}
