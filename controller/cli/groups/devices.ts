/** Commands about devices: running the daemon on one, and seeing how all of them are. */

import type { DeviceOptions } from '../commands/device.ts'
import type { InstallOptions } from '../commands/install-secrets.ts'
import type { LogsOptions } from '../commands/logs.ts'
import type { NodeOptions } from '../commands/node.ts'
import type { StatusOptions } from '../commands/status.ts'
import { reachSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, lines, moment, seconds, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const deviceCommands: CommandGroup = shell => {
  shell
    .command('node', 'Run the daemon of a device. Options override the settings file.')
    .option('-s, --settings <file>', 'the settings file (default: /etc/thymesh/node.json, if it is there)')
    .option('--join <token>', 'a join token or a file with one; needed once')
    .option('--name <name>', "the device's name; needed once")
    .option('--site <site>', "the device's site")
    .option('--state <directory>', 'the folder for identity, documents and reports')
    .option('--store <directory>', 'use a separate Nix store under this directory')
    .option('--root <directory>', 'activate under this directory, and start no units')
    .option('--listen <multiaddr>', 'an address to listen on; repeat for more', collect, [])
    .option('--bootstrap <multiaddr>', 'a peer that is always dialled; repeat for more', collect, [])
    .option('--no-mdns', 'do not look for peers on the local network')
    .action(shell.does<NodeOptions>(async () => (await import('../commands/node.ts')).node))

  shell
    .projectCommand('status', 'Show what every device runs, by the newest reports in reach.')
    .option('--watch', 'show it anew with each change until you leave', false)
    .addOption(waitOption(reportSeconds))
    .action(shell.does<StatusOptions>(async () => (await import('../commands/status.ts')).status))

  shell
    .projectCommand('logs', 'Show the journal of a device, or the log of its last failed activation.')
    .argument('<device>', 'its name')
    .option('-u, --unit <unit>', 'show only lines of this unit')
    .option('-n, --lines <n>', 'how many lines, the newest ones', lines, 100)
    .option('--since <time>', 'show only newer lines: a time, or an age such as 2h', moment)
    .option('-f, --follow', 'show new lines until you leave', false)
    .option('--activation', 'show the whole log of the last failed activation', false)
    .option('--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds)
    .action((device: string, options: Omit<LogsOptions, 'device'>) =>
      shell.does<LogsOptions>(async () => (await import('../commands/logs.ts')).logs)({ ...options, device }),
    )

  const parent = shell.group('device', 'Devices: their configs and their state.')
  shell
    .projectCommand('show', 'Show a device: certificate, config, health and release history.', {
      parent,
      isDefault: true,
    })
    .argument('<name>', 'its name')
    .addOption(waitOption(reportSeconds))
    .action((name: string, options: Omit<DeviceOptions, 'name'>) =>
      shell.does<DeviceOptions>(async () => (await import('../commands/device.ts')).device)({ ...options, name }),
    )

  // Units of devices that were deployed before it had its name call it by the other one.
  for (const [name, hidden] of [
    ['install-secrets', false],
    ['lay-secrets', true],
  ] as const) {
    shell
      .command(name, "Install a device's secrets at the start of the machine, as thymesh-secrets.service does.", {
        hidden,
      })
      .requiredOption('--state <directory>', "the daemon's state")
      .option('--root <directory>', 'install them under this directory, without a tmpfs')
      .action(shell.does<InstallOptions>(async () => (await import('../commands/install-secrets.ts')).installSecrets))
  }
}
