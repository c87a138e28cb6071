/** The `thymesh` command: parses, wires, runs and exits. */

import { Command } from 'commander'
import { deployCommand } from './cli/deploy.ts'
import { initCommand } from './cli/init.ts'
import { nodeCommand } from './cli/node.ts'
import { releasesCommand } from './cli/releases.ts'
import { rollbackCommand } from './cli/rollback.ts'
import { statusCommand } from './cli/status.ts'
import { tokenCommand } from './cli/token.ts'

const program = new Command('thymesh')
  .description('Fleets of Linux devices declared in Nix, managed without a server.')
  .version('0.1.0')
  .showHelpAfterError('(thymesh --help shows the commands)')
  .showSuggestionAfterError()

for (const make of [
  initCommand,
  tokenCommand,
  nodeCommand,
  deployCommand,
  statusCommand,
  releasesCommand,
  rollbackCommand,
]) {
  program.addCommand(make())
}

await program.parseAsync()
// What libp2p leaves open must not keep a command from ending.
process.exit(process.exitCode)
