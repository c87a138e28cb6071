/** The number of the state's format: a daemon that finds a higher one than it knows leaves the state alone, and says so. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessMissing } from '../files/missing.ts'
import { StateError } from './database.ts'

/**
 * What this version writes and reads. The first format has no file. A version that changes it writes its number there, and not
 * before the generation that brought it is confirmed: else going back would end with a state that nobody reads.
 */
const stateFormat = 1
const fileName = 'format'

/** Throws a StateError before anything of the state is opened. */
export async function requireKnownFormat(directory: string): Promise<void> {
  const file = join(directory, fileName)
  const text = (await unlessMissing(readFile(file, 'utf8')))?.trim() ?? String(stateFormat)
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= stateFormat) return
  const message = `expected the state in ${directory} to have the format ${stateFormat} or an earlier one, got ${text.slice(0, 20)}`
  throw new StateError('newer-state', message, {
    hint: 'A newer version of Thymesh has written it: start that version again. Where a release brings the daemon, it comes back by itself.',
  })
}
