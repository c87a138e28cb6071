/** Commands about the project: checking it, editing it, building it. */

import type { CheckOptions } from '../check.ts'
import { seconds } from '../options.ts'
import type { CommandGroup } from '../shell.ts'

export const projectCommands: CommandGroup = shell => {
  shell
    .projectCommand(
      'check',
      'Look at all of the project and say all that is wrong, with file and line. Writes nothing.',
    )
    .option('--timeout <seconds>', 'what one evaluation by Nix may take', seconds, 120)
    .action(shell.does<CheckOptions>(async () => (await import('../check.ts')).check))
}
