/** Commands about membership: join tokens, certificates and revocations. */

import { Option } from 'commander'
import type { RenewOptions } from '../commands/members.ts'
import type { RevokeOptions } from '../commands/revoke.ts'
import type { RevokeTokenOptions } from '../commands/tokens.ts'
import type { ViewerOptions } from '../commands/viewer.ts'
import { documentSeconds, memberSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, days, type ReadOptions, reason, trustClockOption, uses, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const memberCommands: CommandGroup = shell => {
  const token = shell
    .projectCommand('token', 'Create a join token. Devices become members with it, even without a controller in reach.')
    .option(
      '--names <pattern>',
      'names that may join with it, such as kiosk-* (default: the one device of the project)',
    )
    .option('--site <site>', 'the site that its devices belong to')
    .option('--relay', "for peers that follow no release, such as a site operator's controller", false)
    .addOption(
      new Option('--viewer', 'for people who see everything and sign nothing (thymesh viewer)')
        .default(false)
        .conflicts(['relay', 'site']),
    )
    .option('--days <n>', 'days until it expires', days, 30)
    .option('--uses <n>', 'how many devices controllers countersign (default: any number)', uses)
    .addOption(
      new Option('--over-limit <what>', 'what controllers do with more devices than that')
        .choices(['flag', 'revoke'])
        .default('flag'),
    )
    .option('--provisional-days <n>', 'days that a membership is valid without a countersignature', days, 180)
    .option('--certificate-days <n>', 'days that it is valid after the countersignature', days, 730)
    .option('--bootstrap <multiaddr>', "a peer to dial first, besides the project's; repeat for more", collect, [])
    .addOption(trustClockOption())
    .action(shell.does(async () => (await import('../commands/token.ts')).token))

  shell
    .projectCommand('list', 'List join tokens, their limits, and how many devices have joined with them.', {
      parent: token,
    })
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/tokens.ts')).listTokens))

  shell
    .projectCommand('revoke', 'Revoke a join token. Devices without a countersignature lose their membership.', {
      parent: token,
    })
    .argument('<id>', 'its ID or the first digits of it')
    .option('--keep', 'first countersign the devices that have joined with it', false)
    .option('--reason <text>', 'the reason, for people', reason)
    .addOption(waitOption(reportSeconds))
    .action((id: string, options: Omit<RevokeTokenOptions, 'id'>) =>
      shell.does<RevokeTokenOptions>(async () => (await import('../commands/tokens.ts')).revokeToken)({
        ...options,
        id,
      }),
    )

  const members = shell
    .projectCommand('members', 'Show members: who signed their certificates, when these expire, and who was revoked.')
    .addOption(waitOption(memberSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/members.ts')).members))

  shell
    .projectCommand('renew', 'Sign new certificates for all members that ask for one, or for the named ones.', {
      parent: members,
    })
    .argument('[members...]', 'names or peer IDs, also of members that have not asked')
    .addOption(waitOption(reportSeconds))
    .action((names: string[], options: Omit<RenewOptions, 'members'>) =>
      shell.does<RenewOptions>(async () => (await import('../commands/members.ts')).renew)({
        ...options,
        members: names,
      }),
    )

  shell
    .projectCommand('viewer', 'Join the fleet of a project as a viewer, who sees everything and signs nothing.')
    .argument('<token>', 'a join token (thymesh token --viewer), or a file with one')
    .option('--name <name>', 'your name in the fleet (default: that of the token)')
    .option('--listen <multiaddr>', 'an address that your controller listens on; repeat for more', collect, [])
    .option('--no-mdns', 'do not look for peers on the local network')
    .action(shell.takes<ViewerOptions>(['token'], async () => (await import('../commands/viewer.ts')).viewer))

  shell
    .projectCommand('revoke', 'Revoke members. Each peer disconnects them as soon as it learns of it.')
    .argument('<members...>', 'names or peer IDs')
    .option('--reason <text>', 'the reason, for people', reason)
    .addOption(waitOption(reportSeconds))
    .action((names: string[], options: Omit<RevokeOptions, 'members'>) =>
      shell.does<RevokeOptions>(async () => (await import('../commands/revoke.ts')).revokeMembers)({
        ...options,
        members: names,
      }),
    )
}
