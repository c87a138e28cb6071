/** The program that the trial's machine runs as its daemon: this very one, seen from inside. */

import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { storePathOf } from './own-store.ts'

export interface TrialProgram {
  /** Its command line, without arguments. */
  readonly argv: readonly string[]
  /** Directories of this computer that the machine sees at the same paths, read-only. */
  readonly binds: readonly string[]
  /** What of it is in this computer's Nix store: the machine's own must know it. */
  readonly storePaths: readonly string[]
}

/** `main` is the file that Node was started with: in `controller/` of the sources, or in `dist/` of a package. */
export function ownProgram(main: string, hasOwnUsr: boolean): TrialProgram {
  const file = realpathSync(main)
  const node = realpathSync(process.execPath)
  const above = dirname(dirname(file))
  const modules = join(above, 'node_modules')
  const places = [above, ...(existsSync(modules) ? [realpathSync(modules)] : []), node]
  // Who boots from this computer's /usr has what is there.
  const binds = places.filter(place => storePathOf(place) === undefined && !(hasOwnUsr && place.startsWith('/usr/')))
  const storePaths = [...new Set(places.flatMap(place => storePathOf(place) ?? []))]
  return { argv: [node, ...process.execArgv, file], binds, storePaths }
}
