/** Commands about alerts: what is wrong, and who need not be told. */

import type { AckOptions, AlertsOptions, SilenceOptions } from '../commands/alerts.ts'
import { reportSeconds } from '../shell/limits.ts'
import { span, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const alertCommands: CommandGroup = shell => {
  const parent = shell.group('alerts', 'Alerts: what is wrong in the fleet, and who need not be told of it.')
  shell
    .projectCommand('list', 'Show the alerts of all devices, as their reports have them.', { parent, isDefault: true })
    .option('--all', 'also those that have ended', false)
    .addOption(waitOption(reportSeconds))
    .action(shell.does<AlertsOptions>(async () => (await import('../commands/alerts.ts')).alerts))

  shell
    .projectCommand('ack', 'Acknowledge an alert: the others see who looks after it.', { parent })
    .argument('<device>', "the device's name")
    .argument('<rule>', "the rule's name")
    .addOption(waitOption(reportSeconds))
    .action(
      shell.takes<AckOptions>(['device', 'rule'], async () => (await import('../commands/alerts.ts')).acknowledge),
    )

  shell
    .projectCommand('silence', 'Tell nobody of alerts for a time: of a rule, of a device, or of all.', { parent })
    .option('--rule <name>', 'only of this rule')
    .option('--device <name>', 'only of this device')
    .requiredOption('--for <time>', 'how long, such as 30min, 2h or 3d; 0s ends a silence', span)
    .addOption(waitOption(reportSeconds))
    .action(shell.does<SilenceOptions>(async () => (await import('../commands/alerts.ts')).silence))
}
