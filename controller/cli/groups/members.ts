/** Commands about who is a member: join tokens, certificates and revocations. */

import { Option } from 'commander'
import type { RenewOptions } from '../commands/members.ts'
import type { RevokeOptions } from '../commands/revoke.ts'
import type { RevokeTokenOptions } from '../commands/tokens.ts'
import { documentSeconds, memberSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, days, type ReadOptions, reason, trustClockOption, uses, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const memberCommands: CommandGroup = shell => {
  const token = shell
    .projectCommand('token', 'Make a join token: with it devices become members, also where no controller is.')
    .option(
      '--names <pattern>',
      'names that may join with it, such as kiosk-* (default: the one device of the project)',
    )
    .option('--site <site>', 'the site that its devices belong to')
    .option('--relay', "for peers that follow no release, such as a site operator's controller", false)
    .option('--days <n>', 'days for which it can be used', days, 30)
    .option('--uses <n>', 'how many devices controllers countersign (default: any number)', uses)
    .addOption(
      new Option('--over-limit <what>', 'what a controller does with devices above that')
        .choices(['flag', 'revoke'])
        .default('flag'),
    )
    .option(
      '--provisional-days <n>',
      'days for which a membership holds before a controller countersigns it',
      days,
      180,
    )
    .option('--certificate-days <n>', 'days for which it holds from then on', days, 730)
    .option('--bootstrap <multiaddr>', "a peer to start from, beside the project's; repeat for more", collect, [])
    .addOption(trustClockOption())
    .action(shell.does(async () => (await import('../commands/token.ts')).token))

  shell
    .projectCommand('list', 'List join tokens: what they permit, and how many devices came with them.', {
      parent: token,
    })
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/tokens.ts')).listTokens))

  shell
    .projectCommand('revoke', 'Revoke a join token: who has only its signature is a member no longer.', {
      parent: token,
    })
    .argument('<id>', 'its ID, or the first digits of it')
    .option('--keep', 'countersign first the devices that have joined with it so far', false)
    .option('--reason <text>', 'why, for people', reason)
    .addOption(waitOption(reportSeconds))
    .action((id: string, options: Omit<RevokeTokenOptions, 'id'>) =>
      shell.does<RevokeTokenOptions>(async () => (await import('../commands/tokens.ts')).revokeToken)({
        ...options,
        id,
      }),
    )

  const members = shell
    .projectCommand('members', 'Show who is a member, by whose signature and until when, and who was revoked.')
    .addOption(waitOption(memberSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/members.ts')).members))

  shell
    .projectCommand('renew', 'Sign new certificates: for all who ask for one, or for the named.', { parent: members })
    .argument('[members...]', 'names or peer IDs; they need not have asked')
    .addOption(waitOption(reportSeconds))
    .action((names: string[], options: Omit<RenewOptions, 'members'>) =>
      shell.does<RenewOptions>(async () => (await import('../commands/members.ts')).renew)({
        ...options,
        members: names,
      }),
    )

  shell
    .projectCommand('revoke', 'Revoke members: everyone drops them as the news arrives, and serves them nothing.')
    .argument('<members...>', 'names, or peer IDs')
    .option('--reason <text>', 'why, for people', reason)
    .addOption(waitOption(reportSeconds))
    .action((names: string[], options: Omit<RevokeOptions, 'members'>) =>
      shell.does<RevokeOptions>(async () => (await import('../commands/revoke.ts')).revokeMembers)({
        ...options,
        members: names,
      }),
    )
}
