/** Commands about devices: running the daemon on one, and seeing how all of them are. */

import type { DeviceOptions } from '../commands/device.ts'
import type { InstallOptions } from '../commands/install-secrets.ts'
import type { LogsOptions } from '../commands/logs.ts'
import type { NodeOptions } from '../commands/node.ts'
import { reachSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, lines, moment, seconds, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const deviceCommands: CommandGroup = shell => {
  shell
    .command('node', 'Run the daemon of a device. Flags stand over the settings file.')
    .option('-s, --settings <file>', 'the settings file (default: /etc/thymesh/node.json, if it is there)')
    .option('--join <token>', 'a join token, or a file that holds one; needed once')
    .option('--name <name>', "the device's name; needed once")
    .option('--site <site>', "the device's site")
    .option('--state <directory>', 'where identity, documents and reports are kept')
    .option('--store <directory>', 'a Nix store of its own under this directory')
    .option('--root <directory>', 'activate under this directory and start nothing')
    .option('--listen <multiaddr>', 'where to listen; repeat for more', collect, [])
    .option('--bootstrap <multiaddr>', 'a peer that is always dialled; repeat for more', collect, [])
    .option('--no-mdns', 'do not look for peers on the local network')
    .action(shell.does<NodeOptions>(async () => (await import('../commands/node.ts')).node))

  shell
    .projectCommand('status', 'Show what every device runs, by the newest reports in reach.')
    .addOption(waitOption(reportSeconds))
    .action(shell.does(async () => (await import('../commands/status.ts')).status))

  shell
    .projectCommand('logs', "Show a device's journal, or the log of an activation that failed, over the mesh.")
    .argument('<device>', 'its name')
    .option('-u, --unit <unit>', 'of this unit only')
    .option('-n, --lines <n>', 'so many lines, the newest', lines, 100)
    .option('--since <time>', 'not older than this: a time, or how long ago, such as 2h', moment)
    .option('-f, --follow', 'go on with what is new, until you leave', false)
    .option('--activation', 'the whole log of the activation that failed last', false)
    .option('--wait <seconds>', 'how long to try to reach it', seconds, reachSeconds)
    .action((device: string, options: Omit<LogsOptions, 'device'>) =>
      shell.does<LogsOptions>(async () => (await import('../commands/logs.ts')).logs)({ ...options, device }),
    )

  const parent = shell.group('device', 'Devices: which device is what, and how it is.')
  shell
    .projectCommand('show', 'Show a device: certificate, config, health, and how releases went on it.', {
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
      .option('--root <directory>', 'below this directory, without a tmpfs')
      .action(shell.does<InstallOptions>(async () => (await import('../commands/install-secrets.ts')).installSecrets))
  }
}
