/** Where a user's fleets are, and what of them can be made again. */

import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where an operator's fleets are: `$THYMESH_HOME`, else the user's data folder. */
export function homeDirectory(): string {
  if (process.env.THYMESH_HOME) return process.env.THYMESH_HOME
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'thymesh')
}

/** Files of any fleet that can be made again. */
export function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'thymesh')
}
