/** Commands about devices: running the daemon on one, and seeing how all of them are. */

import { Option } from 'commander'
import type { AdoptCommandOptions } from '../commands/adopt.ts'
import type { AuditOptions } from '../commands/audit.ts'
import type { DeviceOptions } from '../commands/device.ts'
import type { InstallOptions } from '../commands/install-secrets.ts'
import type { JoinOptions } from '../commands/join.ts'
import type { LogsOptions } from '../commands/logs.ts'
import type { MetricsOptions } from '../commands/metrics.ts'
import type { NetworkOptions, PeersOptions } from '../commands/network.ts'
import type { NodeOptions } from '../commands/node.ts'
import type { RecordingsOptions } from '../commands/recordings.ts'
import type { StatusOptions } from '../commands/status.ts'
import type { WhyOptions } from '../commands/why.ts'
import { reachSeconds, reportSeconds } from '../shell/limits.ts'
import { collect, deviceState, lines, moment, parallel, seconds, speed, waitOption } from '../shell/options.ts'
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
    .projectCommand('adopt', 'Make a running machine a device of the fleet, over ssh: Debian, Ubuntu or NixOS.')
    .argument('<destination>', 'user@host, a name of your ssh_config, or ssh://user@host:port')
    .option('--name <name>', "the device's name (default: the machine's)")
    .option('--config <name>', 'the config that it will run (default: that of its file, or the only one)')
    .option('--site <site>', 'its site')
    .option('--tag <name>', 'a tag; repeat for more', collect, [])
    .option('--plan', 'show what would be done, and do nothing', false)
    .option('-y, --yes', 'do it without asking', false)
    .option('--ask-sudo', 'ask here for the password that sudo asks for there', false)
    .addOption(
      new Option('--nix <how>', 'install Nix from its packages where it is missing, or keep what is there')
        .choices(['apt', 'keep'])
        .default('apt'),
    )
    .option('--set-clock', "set its clock to this machine's time", false)
    .option('--package <file>', 'the .deb for it, or a folder with it')
    .option('--undo', 'take back an adoption that was cut off', false)
    .option('-o, --ssh-option <option>', 'an option of ssh, such as Port=2222; repeat for more', collect, [])
    .action(shell.takes<AdoptCommandOptions>(['destination'], async () => (await import('../commands/adopt.ts')).adopt))

  shell
    .command('join', 'Make this machine a device of a fleet, and start its daemon. Run it as root.')
    .argument('[token]', 'a join token or a file with one; - or nothing reads it from standard input')
    .requiredOption('--name <name>', "the device's name, as in devices/NAME.json")
    .option('--site <site>', "the device's site")
    .option('-s, --settings <file>', "the daemon's settings file", '/etc/thymesh/node.json')
    .option('--no-start', 'do not start the daemon')
    .action((token: string | undefined, options: Omit<JoinOptions, 'token'>) =>
      shell.does<JoinOptions>(async () => (await import('../commands/join.ts')).join)({
        ...options,
        ...(token !== undefined && { token }),
      }),
    )

  shell
    .projectCommand('status', 'Show what every device runs, by the newest reports in reach.')
    .option('--on <devices>', 'only these: a name, tag:TAG, site:SITE or config:CONFIG; repeat for more', collect, [])
    .option('--is <state>', 'only devices in this state, such as failed; repeat for more', deviceState, [])
    .option('--find <text>', 'only devices with this text in their line or error')
    .addOption(
      new Option('--risk', 'show what is about to fail: disks, flash, certificates and others, the most urgent first')
        .default(false)
        .conflicts('watch'),
    )
    .option('--watch', 'show it anew with each change until you leave', false)
    .option(
      '--state <directory>',
      "ask the daemon of this machine that has its state there; without a project, its daemon's",
    )
    .addOption(waitOption(reportSeconds))
    .action(shell.does<StatusOptions>(async () => (await import('../commands/status.ts')).status))

  shell
    .projectCommand(
      'logs',
      'Show the journal of a device or search those of many, or the log of the last failed activation.',
    )
    .argument('[device]', 'its name')
    .option(
      '--on <devices>',
      'search many: names, tag:TAG, site:SITE, config:CONFIG or all; repeat for more',
      collect,
      [],
    )
    .option('--grep <text>', 'show only lines with this text, in any case of letters')
    .option('-u, --unit <unit>', 'show only lines of this unit')
    .option('-n, --lines <n>', 'how many lines of each device, the newest ones', lines, 100)
    .option('--since <time>', 'show only newer lines: a time, or an age such as 2h', moment)
    .option('-f, --follow', 'show new lines until you leave', false)
    .option('--activation', 'show the whole log of the last failed activation', false)
    .option('--parallel <n>', 'with --on: on how many at a time', parallel, 10)
    .option('--wait <seconds>', 'how long to try to reach a device', seconds, reachSeconds)
    .action((device: string | undefined, options: Omit<LogsOptions, 'device'>) =>
      shell.does<LogsOptions>(async () => (await import('../commands/logs.ts')).logs)({
        ...options,
        ...(device !== undefined && { device }),
      }),
    )

  shell
    .projectCommand(
      'audit',
      'Show the witnessed log of a device: who came in, what was installed; or of a controller. Verified.',
    )
    .argument('<device>', 'its name')
    .option('-n, --lines <n>', 'how many entries, the newest ones', lines, 50)
    .option('--verify', 'check all entries that the device keeps, not only those that are shown', false)
    .option('--export <file>', 'write all entries, with what verifies them, to this new file')
    .option('--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds)
    .action((device: string, options: Omit<AuditOptions, 'device'>) =>
      shell.does<AuditOptions>(async () => (await import('../commands/audit.ts')).audit)({ ...options, device }),
    )

  shell
    .projectCommand('recordings', 'List the sessions that a device has recorded; play one, or write it to a file.')
    .argument('<device>', 'its name')
    .argument('[recording]', 'its ID, or how it begins')
    .option('--save <file>', 'write it to this new file, an asciicast, in place of playing it')
    .option('--speed <n>', 'play it so many times as fast', speed, 1)
    .option('--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds)
    .action((device: string, recording: string | undefined, options: Omit<RecordingsOptions, 'device' | 'recording'>) =>
      shell.does<RecordingsOptions>(async () => (await import('../commands/recordings.ts')).recordings)({
        ...{ ...options, device },
        ...(recording !== undefined && { recording }),
      }),
    )

  shell
    .projectCommand('why', "Say why a device doesn't run what it should, and what to do next.")
    .argument('[name]', 'its name; without one, the device that this is')
    .option('--state <directory>', 'ask the daemon with this state, in place of a controller')
    .addOption(waitOption(reportSeconds))
    .action((name: string | undefined, options: Omit<WhyOptions, 'name'>) =>
      shell.does<WhyOptions>(async () => (await import('../commands/why.ts')).why)({
        ...options,
        ...(name !== undefined && { name }),
      }),
    )

  shell
    .projectCommand('metrics', 'Show the metrics of a device: load, memory, disks, temperature and others.')
    .argument('<device>', 'its name')
    .option('--since <time>', 'from a time on, or an age such as 2h or 30d (default: a day)', moment)
    .option('--until <time>', 'up to a time, or an age', moment)
    .option('--series <name>', 'only this one; repeat for more', collect, [])
    .option('--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds)
    .action((device: string, options: Omit<MetricsOptions, 'device'>) =>
      shell.does<MetricsOptions>(async () => (await import('../commands/metrics.ts')).metrics)({ ...options, device }),
    )

  shell
    .projectCommand('peers', 'Show all connections: direct, punched through NATs, or by which hub.')
    .option('--watch', 'show them anew every two seconds until you leave', false)
    .option('--device', "those of this machine's daemon, not of the project's controller", false)
    .option('--state <directory>', "the daemon's state (default: as its settings say)")
    .addOption(waitOption(reportSeconds))
    .action(shell.does<PeersOptions>(async () => (await import('../commands/network.ts')).peers))

  shell
    .projectCommand('netcheck', 'Check what this network lets peers do: NAT, hubs, whether it can be dialled, clock.')
    .option('--device', "check for this machine's daemon, not for the project's controller", false)
    .option('--state <directory>', "the daemon's state (default: as its settings say)")
    .addOption(waitOption(reportSeconds))
    .action(shell.does<NetworkOptions>(async () => (await import('../commands/network.ts')).netcheck))

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
