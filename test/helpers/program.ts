/** The program under test: the bundle, as it is shipped, where `scripts/test` has made one; else the sources. */

import { join } from 'node:path'

/** What Node starts. The bundle takes a third of the processor for each command. */
export const main = process.env.THYMESH_TEST_PROGRAM ?? join(import.meta.dirname, '../../controller/main.ts')

/** As what is shipped (nix/node-flags.json): with Maglev, Node may hang in its own exit (nodejs/node#54918). */
export const nodeFlags = ['--no-maglev']

/** Of the processes that a test starts: Node's cache of compiled code, if this process has one. */
export const compileCache: NodeJS.ProcessEnv = process.env.NODE_COMPILE_CACHE
  ? { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }
  : {}
