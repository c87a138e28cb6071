/** The `thymesh` command: parses, runs and exits. */

import { removeLeftovers } from '../node/files/temporary.ts'
import { limitBufferPool } from '../node/process/buffer-pool.ts'
import { compilerPace } from '../node/process/compiler-pace.ts'
import { parse } from './cli/program.ts'
import { StandardOutput } from './cli/shell/standard-output.ts'
import { environmentPassphrase } from './keys/environment-passphrase.ts'

limitBufferPool()
// A daemon idles for months; every other command is there to work.
if (process.argv[2] !== 'node') compilerPace.hurry()
// Before anything is started: git, nix and editors must not inherit it.
environmentPassphrase()
await removeLeftovers()
const output = new StandardOutput()
process.exitCode = await output.exitCode(await parse(process.argv))
// Handles that libp2p leaves open must not keep a command from ending.
process.exit(process.exitCode)
