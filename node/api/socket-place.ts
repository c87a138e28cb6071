/** Where a device's own API listens. */

import { join } from 'node:path'
import { defaultStateDirectory } from '../settings/defaults.ts'

const name = 'api.sock'
/** Open to its group as well, which can't enter the state. */
export const runDirectory = '/run/thymesh'

/**
 * The sockets to try, the best first: the machine's own daemon has one in /run, which the lock of its state guards;
 * another one, and one that can't write there, in its state.
 */
export function apiSockets(state: string, root?: string): string[] {
  const own = join(state, name)
  return state === defaultStateDirectory && root === undefined ? [join(runDirectory, name), own] : [own]
}
