/** Commands about access to devices, and those that use it. */

import type { GrantOptions, WithdrawOptions } from '../commands/access.ts'
import type { CpOptions } from '../commands/cp.ts'
import type { ForwardOptions } from '../commands/forward.ts'
import type { RunOptions } from '../commands/run.ts'
import type { ScreenOptions } from '../commands/screen.ts'
import type { SshConfigOptions, SshOptions } from '../commands/ssh.ts'
import { documentSeconds, reachSeconds } from '../shell/limits.ts'
import {
  collect,
  end,
  message,
  parallel,
  type ReadOptions,
  seconds,
  sshIdentity,
  sshSetting,
  trustClockOption,
  version,
  waitOption,
} from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

const sshExitCodes = `
Exit codes: that of the command on the device; 255 if ssh failed; 1 if the device was not reached or refused; 64 the command
line is wrong.`

export const accessCommands: CommandGroup = shell => {
  const asUser = ['--user <user>', 'as whom', 'root'] as const
  const reaching = ['--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds] as const

  shell
    .projectCommand('ssh', 'Open a shell on a device, or run a command there, by ssh over the mesh.', {
      exitCodes: sshExitCodes,
    })
    .argument('<device>', 'its name, or USER@NAME')
    .argument('[command...]', 'what to run; a shell if nothing is said')
    .option(...asUser)
    .option('-L, --tunnel <spec>', 'forward a port or socket as ssh -L does; repeat for more', collect, [])
    .option(...sshSetting)
    .option(...sshIdentity)
    .option('-t, --terminal', 'with a terminal also for a command', false)
    .option('-N, --no-command', 'run nothing: for tunnels')
    .option('--proxy', 'carry the bytes of ssh: for a ProxyCommand', false)
    .option('--hand-over', 'with --proxy: hand ssh a connection instead, for ProxyUseFdpass', false)
    .option('--host-key', "print the device's host key: for a KnownHostsCommand", false)
    .option(...reaching)
    .passThroughOptions()
    .action((device: string, command: string[], { command: withCommand, ...options }: Record<string, unknown>) =>
      shell.does<SshOptions>(async () => (await import('../commands/ssh.ts')).ssh)({
        ...(options as unknown as SshOptions),
        ...{ device, command, noCommand: withCommand === false },
      }),
    )

  shell
    .projectCommand('ssh-config', 'Print what makes plain ssh, scp, rsync, editors and Ansible reach NAME.FLEET.')
    .option(...asUser)
    .option('--plain', 'for other clients than OpenSSH: nothing that hands connections over', false)
    .action(shell.does<SshConfigOptions>(async () => (await import('../commands/ssh.ts')).sshConfig))

  shell
    .projectCommand('cp', 'Copy files to a device or from it, by scp over the mesh.', { exitCodes: sshExitCodes })
    .argument('<files...>', 'files and where they go; on a device as NAME:PATH')
    .option('-r, --recursive', 'folders with all that is in them', false)
    .option('--preserve', 'keep times and modes', false)
    .option(...sshSetting)
    .option(...sshIdentity)
    .option(...asUser)
    .option(...reaching)
    .action((files: string[], options: Omit<CpOptions, 'files'>) =>
      shell.does<CpOptions>(async () => (await import('../commands/cp.ts')).cp)({ ...options, files }),
    )

  shell
    .projectCommand('run', 'Run a command on many devices, and show who failed and who was not reached.')
    .argument('<command...>', 'what to run, behind --')
    .requiredOption('--on <devices>', 'a name, tag:TAG, site:SITE, config:CONFIG or all; repeat for more', collect, [])
    .option('--parallel <n>', 'on how many at a time', parallel, 10)
    .option('--stop-after <n>', 'begin on no more devices after so many failures', version)
    .option('--timeout <seconds>', 'how long it may take on one device', seconds, 600)
    .option(...sshSetting)
    .option(...sshIdentity)
    .option(...asUser)
    .option(...reaching)
    .passThroughOptions()
    .action((command: string[], options: Omit<RunOptions, 'command'>) =>
      shell.does<RunOptions>(async () => (await import('../commands/run.ts')).run)({ ...options, command }),
    )

  shell
    .projectCommand('forward', 'Bring a port or socket of a device to this machine, at an address of its own.')
    .argument('<device>', 'its name')
    .argument('<to>', "a port of the device's loopback, HOST:PORT as the device reaches it, or /PATH of a socket")
    .option('--local <port>', 'the port of this machine, or a path for a socket (default: the same port)')
    .option('--open', 'open it in the browser', false)
    .option(...sshIdentity)
    .option(...asUser)
    .option(...reaching)
    .action((device: string, to: string, options: Omit<ForwardOptions, 'device' | 'to'>) =>
      shell.does<ForwardOptions>(async () => (await import('../commands/forward.ts')).forward)({
        ...options,
        ...{ device, to },
      }),
    )

  shell
    .projectCommand(
      'screen',
      'Save a picture of what a screen of a device shows, or those that it has taken by itself.',
    )
    .argument('<device>', 'its name')
    .option('--save <file>', 'the PNG file; with --snapshots the folder for all of them')
    .option('--snapshots', 'list the small pictures that the device has taken at times', false)
    .option('--screen <name>', 'which one, where it has several (default: the first)')
    .option(...sshIdentity)
    .option(...asUser)
    .option(...reaching)
    .action((device: string, options: Omit<ScreenOptions, 'device'>) =>
      shell.does<ScreenOptions>(async () => (await import('../commands/screen.ts')).screen)({ ...options, device }),
    )

  const access = shell.group('access', 'Who may log in on which devices, and what they may do there.')

  shell
    .projectCommand('list', 'List the grants of access, and the devices on which each counts.', {
      parent: access,
      isDefault: true,
    })
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/access.ts')).listAccess))

  shell
    .projectCommand('grant', 'Give an operator access to devices. It is signed like a release.', { parent: access })
    .argument('<operator>', 'whom the keys belong to')
    .option(
      '--key <file>',
      "a public key of OpenSSH, in a file or as text; repeat for more (default: your agent's, then those in ~/.ssh)",
      collect,
      [],
    )
    .option('--device <name>', "devices of this name; * stands for any part: 'kiosk-*'; repeat for more", collect, [])
    .option('--tag <tag>', 'devices with this tag; repeat for more', collect, [])
    .option('--at <site>', 'devices of this site; repeat for more', collect, [])
    .option('--user <user>', 'as whom; repeat for more (default: root)', collect, [])
    .option(
      '--may <right>',
      'shell, exec, files, screen or screen:control; repeat for more (default: shell, exec, files)',
      collect,
      [],
    )
    .option(
      '--forward <target>',
      'connect to tcp:HOST:PORT (* is any port) or unix:/PATH as the device does; repeat for more',
      collect,
      [],
    )
    .option('--record', 'record sessions; refuse those that can not be recorded', false)
    .option('--until <time>', 'when it ends: a time such as 2026-01-31T12:00:00Z, or in how long, such as 8h', end)
    .option('--site <site>', "sign as an operator of this site, for the site's own devices")
    .option('-m, --message <text>', 'the reason', message)
    .option('-y, --yes', 'give access with the keys that are found, without asking', false)
    .addOption(trustClockOption())
    .action((operator: string, options: Omit<GrantOptions, 'operator'>) =>
      shell.does<GrantOptions>(async () => (await import('../commands/access.ts')).grantAccess)({
        ...options,
        operator,
      }),
    )

  shell
    .projectCommand('revoke', 'End grants of access. Devices end their sessions as soon as they hear of it.', {
      parent: access,
    })
    .argument('<grants...>', 'IDs of grants, or operators, of whom all grants end')
    .option('--site <site>', 'sign as an operator of this site')
    .option('-m, --message <text>', 'the reason', message)
    .addOption(trustClockOption())
    .action((grants: string[], options: Omit<WithdrawOptions, 'grants'>) =>
      shell.does<WithdrawOptions>(async () => (await import('../commands/access.ts')).withdrawAccess)({
        ...options,
        grants,
      }),
    )
}
