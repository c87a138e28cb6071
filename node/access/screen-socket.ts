/** The socket of one of the device's screens. */

import { lstat } from 'node:fs/promises'
import { join } from 'node:path'

/** Its path; nothing where there is none. */
export async function screenSocket(place: string, name: string): Promise<string | undefined> {
  const path = join(place, `${name}.sock`)
  // We are root, and everybody may put something there: a link could lead to a socket that is root's.
  const found = await lstat(path).catch(() => undefined)
  return found?.isSocket() ? path : undefined
}
