/** Commands that make releases, bring them to the devices and take them back. */

import type { ApproveOptions, RejectOptions } from '../commands/proposals.ts'
import { documentSeconds, memberSeconds, proposalSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, message, type ReadOptions, seconds, version, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const releaseCommands: CommandGroup = shell => {
  shell
    .watchCommand('deploy', 'Build the project, sign a release and bring it to the devices.')
    .option('-m, --message <text>', 'what is new, for people', message)
    .option('--site <site>', 'only for the devices of a site whose operator you are')
    .option('--force', 'release also when nothing would change', false)
    .option('--rollout <file>', "a rollout policy, instead of the project's rollout.json")
    .option('--no-rollout', 'bring it to all devices at once')
    .option('--allow-missing-recipients', 'let secrets wait for devices that have not joined', false)
    .action(shell.does(async () => (await import('../commands/deploy.ts')).deploy))

  shell
    .projectCommand('releases', 'List the releases that this controller knows, the newest first.')
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/releases.ts')).releases))

  shell
    .watchCommand('rollback', 'Go back: a new release that names the configs of an older one.')
    .option('--to <version>', 'the release to go back to (default: the one before)', version)
    .option('--site <site>', "go back with the releases of a site's own operators")
    .option('--device <name>', 'only this device goes back; repeat for more', collect, [])
    .option('--tag <tag>', 'only devices with this tag go back; repeat for more', collect, [])
    .option('-m, --message <text>', 'why, for people', message)
    .action(shell.does(async () => (await import('../commands/rollback.ts')).rollback))

  shell
    .projectCommand('rollout', 'Show the waves of the newest release, how far they are, and why they wait.')
    .option('--watch', 'show it until the rollout is over', false)
    .option('--site <site>', "the newest release of a site's own operators")
    .addOption(waitOption(reportSeconds))
    .action(shell.does(async () => (await import('../commands/rollout.ts')).rollout))

  shell
    .watchCommand('promote', 'Go on with a release whose waves wait or are held by failures.')
    .option('--wave <number>', 'open the waves up to this one (default: all)', version)
    .option('--site <site>', "go on with the release of a site's own operators")
    .option('-m, --message <text>', 'why, for people', message)
    .action(shell.does(async () => (await import('../commands/promote.ts')).promote))

  shell
    .projectCommand('proposals', 'List what other operators have proposed and what is missing of it.')
    .addOption(waitOption(memberSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/proposals.ts')).proposals))

  shell
    .watchCommand('approve', 'Show what a proposal changes on which devices, and sign it.')
    .argument(
      '<which>',
      'a version of a release (SITE/VERSION of a site), root-VERSION, or the ID that thymesh proposals shows',
    )
    .option('-y, --yes', 'sign without asking', false)
    .option('-m, --message <text>', 'what to say of it, for the log', message)
    .option('--news <seconds>', 'how long to wait for the proposal', seconds, proposalSeconds)
    .action((which: string, options: Omit<ApproveOptions, 'which'>) =>
      shell.does<ApproveOptions>(async () => (await import('../commands/proposals.ts')).approve)({ ...options, which }),
    )

  shell
    .projectCommand('reject', 'Say no to a proposal; to one of your own: withdraw it.')
    .argument(
      '<which>',
      'a version of a release (SITE/VERSION of a site), root-VERSION, or the ID that thymesh proposals shows',
    )
    .option('-m, --message <text>', 'why, for the log', message)
    .option('--news <seconds>', 'how long to wait for the proposal', seconds, proposalSeconds)
    .action((which: string, options: Omit<RejectOptions, 'which'>) =>
      shell.does<RejectOptions>(async () => (await import('../commands/proposals.ts')).reject)({ ...options, which }),
    )
}
