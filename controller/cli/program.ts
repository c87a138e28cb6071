/** The CLI: its groups of commands, and how a command line is parsed and run. */

import { CommanderError } from 'commander'
import { accessCommands } from './groups/access.ts'
import { alertCommands } from './groups/alerts.ts'
import { buildCommands } from './groups/build.ts'
import { bundleCommands } from './groups/bundles.ts'
import { deviceCommands } from './groups/devices.ts'
import { entryCommands } from './groups/entries.ts'
import { fleetCommands } from './groups/fleet.ts'
import { keyCommands } from './groups/keys.ts'
import { lifeCommands } from './groups/life.ts'
import { manualCommands } from './groups/manual.ts'
import { memberCommands } from './groups/members.ts'
import { projectCommands } from './groups/project.ts'
import { releaseCommands } from './groups/releases.ts'
import { secretCommands } from './groups/secrets.ts'
import { siteCommands } from './groups/sites.ts'
import { vmCommands } from './groups/vms.ts'
import { exitCodes, printError } from './shell/output.ts'
import { type CommandGroup, Shell } from './shell/shell.ts'

/** In the order in which help shows them, under these headings. */
const groups: Readonly<Record<string, readonly CommandGroup[]>> = {
  'The fleet:': [fleetCommands, memberCommands, keyCommands, siteCommands],
  'The project:': [projectCommands, entryCommands, secretCommands, buildCommands],
  'Releases:': [releaseCommands],
  'Devices:': [deviceCommands, lifeCommands, accessCommands, alertCommands, bundleCommands, vmCommands],
  'This program:': [manualCommands],
}

/** The daemon runs for months: it has the options of all the other commands not in memory. */
const daemonGroups = { 'Devices:': [deviceCommands] }

/** Parses and runs a command line; resolves to the exit code. */
export async function parse(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  let exitCode: number = exitCodes.done
  const shell = new Shell({
    json,
    ended: code => {
      exitCode = code
    },
  })
  for (const [heading, members] of Object.entries(argv[2] === 'node' ? daemonGroups : groups)) {
    shell.program.commandsGroup(heading)
    for (const group of members) group(shell)
  }
  try {
    await shell.program.parseAsync(argv)
    return exitCode
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    if (thrown.exitCode === 0) return exitCodes.done
    const message = thrown.message.replace(/^error: /, '')
    if (json) printError({ json }, { code: 'usage', message, hint: 'thymesh --help shows the commands.' })
    return exitCodes.usage
  }
}
