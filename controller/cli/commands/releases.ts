/** Commands that make releases, bring them to the devices and take them back. */

import { type ProjectOptions, seconds, version } from '../options.ts'
import type { CommandGroup } from '../shell.ts'

export const releaseCommands: CommandGroup = shell => {
  shell
    .watchCommand('deploy', 'Build the project, sign a release and bring it to the devices.')
    .option('-m, --message <text>', 'what is new, for people')
    .option('--force', 'release also when nothing would change', false)
    .action(shell.does(async () => (await import('../deploy.ts')).deploy))

  shell
    .projectCommand('releases', 'List the releases that this controller knows, the newest first.')
    .option('--wait <seconds>', 'how long to wait for peers', seconds, 2)
    .action(shell.does<ProjectOptions & { wait: number }>(async () => (await import('../releases.ts')).releases))

  shell
    .watchCommand('rollback', 'Go back: a new release that names the configs of an older one.')
    .option('--to <version>', 'the release to go back to (default: the one before)', version)
    .option('-m, --message <text>', 'why, for people')
    .action(shell.does(async () => (await import('../rollback.ts')).rollback))
}
