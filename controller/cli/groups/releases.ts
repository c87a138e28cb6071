/** Commands that make, approve, promote and roll back releases. */

import type { ApproveOptions, RejectOptions } from '../commands/proposals.ts'
import { documentSeconds, memberSeconds, proposalSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, message, type ReadOptions, seconds, version, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const releaseCommands: CommandGroup = shell => {
  shell
    .watchCommand('deploy', 'Build the project, sign a release and bring it to the devices.')
    .option('-m, --message <text>', 'what is new', message)
    .option('--site <site>', 'release only for a site that you are an operator of')
    .option('--force', 'release even if nothing would change', false)
    .option('--rollout <file>', "a rollout policy, instead of the project's rollout.json")
    .option('--no-rollout', 'release to all devices at once')
    .option('--plan', 'sign nothing: say what it would cost each site, and whether a stick is better', false)
    .option('--allow-missing-recipients', 'let secrets wait for devices that have not joined', false)
    .action(shell.does(async () => (await import('../commands/deploy.ts')).deploy))

  shell
    .projectCommand('releases', 'List the releases that this controller knows, the newest first.')
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/releases.ts')).releases))

  shell
    .watchCommand('rollback', 'Roll back: make a new release with the configs of an older one.')
    .option('--to <version>', 'the release to go back to (default: the previous one)', version)
    .option('--site <site>', "roll back the release of a site's own operators")
    .option('--device <name>', 'roll back only this device; repeat for more', collect, [])
    .option('--tag <tag>', 'roll back only devices with this tag; repeat for more', collect, [])
    .option('-m, --message <text>', 'the reason', message)
    .action(shell.does(async () => (await import('../commands/rollback.ts')).rollback))

  shell
    .projectCommand('rollout', 'Show the waves of the newest release, their progress, and why they wait.')
    .option('--watch', 'update it until the rollout is over', false)
    .option('--site <site>', "the newest release of a site's own operators")
    .addOption(waitOption(reportSeconds))
    .action(shell.does(async () => (await import('../commands/rollout.ts')).rollout))

  shell
    .watchCommand('promote', 'Open waves of a release that wait or are held by failures.')
    .option('--wave <number>', 'open the waves up to this one (default: all)', version)
    .option('--site <site>', "promote the release of a site's own operators")
    .option('-m, --message <text>', 'the reason', message)
    .action(shell.does(async () => (await import('../commands/promote.ts')).promote))

  shell
    .projectCommand('proposals', 'List the proposals of operators, and the signatures that they lack.')
    .addOption(waitOption(memberSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/proposals.ts')).proposals))

  shell
    .watchCommand('approve', 'Show what a proposal changes on each device, and sign it.')
    .argument(
      '<which>',
      'a version of a release (SITE/VERSION of a site), root-VERSION, or the ID that thymesh proposals shows',
    )
    .option('-y, --yes', 'sign without asking', false)
    .option('-m, --message <text>', 'a comment for the log', message)
    .option('--news <seconds>', 'how long to wait for the proposal', seconds, proposalSeconds)
    .action((which: string, options: Omit<ApproveOptions, 'which'>) =>
      shell.does<ApproveOptions>(async () => (await import('../commands/proposals.ts')).approve)({ ...options, which }),
    )

  shell
    .projectCommand('reject', 'Reject a proposal, or withdraw your own.')
    .argument(
      '<which>',
      'a version of a release (SITE/VERSION of a site), root-VERSION, or the ID that thymesh proposals shows',
    )
    .option('-m, --message <text>', 'the reason, for the log', message)
    .option('--news <seconds>', 'how long to wait for the proposal', seconds, proposalSeconds)
    .action((which: string, options: Omit<RejectOptions, 'which'>) =>
      shell.does<RejectOptions>(async () => (await import('../commands/proposals.ts')).reject)({ ...options, which }),
    )
}
