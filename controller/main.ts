/** The `thymesh` command: parses, runs and exits. */

import { parse } from './cli/program.ts'

process.exitCode = await parse(process.argv)
// What libp2p leaves open must not keep a command from ending.
process.exit(process.exitCode)
