/** The command lines of the scripts in TypeScript: what is wrong with one is said, with where help is, and ends the script. */

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf } from '../../protocol/errors.ts'

/** EX_USAGE of sysexits(3). */
const wrongUseCode = 64

/** `parseArgs`, which takes no option that it isn't told of. Help is printed by the shell script that starts the program. */
export function argumentsOf<T extends ParseArgsConfig>(script: string, config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (thrown) {
    // Its second sentence is about arguments that begin with a dash, of which no script has any.
    return wrongUse(script, messageOf(thrown).replace(/\. To specify.*/s, ''))
  }
}

/** Ends the process: the message says what was expected and what came. */
export function wrongUse(script: string, message: string): never {
  process.stderr.write(`${script}: ${message}\nscripts/${script} --help says what it takes.\n`)
  process.exit(wrongUseCode)
}
