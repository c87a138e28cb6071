/** Commands about sites with operators of their own. */

import type { RenameSiteOptions } from '../commands/reassign.ts'
import type { SiteChangeOptions, SiteDelegateOptions } from '../commands/site.ts'
import { documentSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, message, type ReadOptions, trustClockOption, version, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const siteCommands: CommandGroup = shell => {
  const site = shell.group('site', 'Sites with operators of their own, who make the releases for their devices.')

  shell
    .projectCommand('delegate', 'Give a site to operators of its own. They replace its present ones.', { parent: site })
    .argument('<site>', 'the site, as the certificates of its devices name it')
    .requiredOption('--operator <card>', 'the card of an operator, or a file with it; repeat for more', collect, [])
    .option('--threshold <n>', 'how many of them must sign', version, 1)
    .option('-m, --message <text>', 'the reason, for other operators', message)
    .option('-y, --yes', 'sign without asking', false)
    .addOption(trustClockOption())
    .action((name: string, options: Omit<SiteDelegateOptions, 'site'>) =>
      shell.does<SiteDelegateOptions>(async () => (await import('../commands/site.ts')).siteDelegate)({
        ...options,
        site: name,
      }),
    )

  shell
    .projectCommand('revoke', "Take a site back. Its devices follow the fleet's releases again.", { parent: site })
    .argument('<site>', 'a site with operators of its own')
    .option('-m, --message <text>', 'the reason, for other operators', message)
    .option('-y, --yes', 'sign without asking', false)
    .addOption(trustClockOption())
    .action((name: string, options: Omit<SiteChangeOptions, 'site'>) =>
      shell.does<SiteChangeOptions>(async () => (await import('../commands/site.ts')).siteRevoke)({
        ...options,
        site: name,
      }),
    )

  shell
    .projectCommand('rename', 'Give a site another name: in the project, the release and its certificates.', {
      parent: site,
    })
    .argument('<site>', 'its name')
    .argument('<to>', 'its new name')
    .option('-m, --message <text>', 'why, for people', message)
    .option('--commit', 'commit the edited files', false)
    .addOption(trustClockOption())
    .addOption(waitOption(reportSeconds))
    .action(
      shell.takes<RenameSiteOptions>(['site', 'to'], async () => (await import('../commands/reassign.ts')).renameSite),
    )

  shell
    .projectCommand('list', 'List the sites with operators of their own, their keys and releases.', { parent: site })
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/site.ts')).siteList))
}
