/** The `thymesh` command: parses, runs and exits. */

import { parse } from './cli/program.ts'
import { environmentPassphrase } from './keys/environment-passphrase.ts'

// Before anything is started: git, nix and editors must not inherit it.
environmentPassphrase()
process.exitCode = await parse(process.argv)
// What libp2p leaves open must not keep a command from ending.
process.exit(process.exitCode)
