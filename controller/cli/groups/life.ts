/** Commands about the life of a device: names, sites, other hardware, restarts, the end. */

import type { LeaveOptions } from '../commands/leave.ts'
import type { MoveOptions, RenameOptions } from '../commands/reassign.ts'
import type { ReplaceOptions } from '../commands/replace.ts'
import type { RebootOptions, RestartUnitOptions } from '../commands/restart.ts'
import type { RetireOptions } from '../commands/retire.ts'
import type { SupportOptions } from '../commands/support.ts'
import { reachSeconds, reportSeconds } from '../shell/limits.ts'
import {
  collect,
  days,
  message,
  parallel,
  reason,
  seconds,
  sshIdentity,
  sshSetting,
  trustClockOption,
  version,
  waitOption,
} from '../shell/options.ts'
import type { CommandGroup, Shell } from '../shell/shell.ts'

export const lifeCommands: CommandGroup = shell => {
  addChanges(shell)
  addReplace(shell)
  addRetire(shell)
  addRestarts(shell)
  addSupport(shell)
}

/** Those that edit the project and sign. */
function signing(shell: Shell, name: string, about: string) {
  return shell
    .projectCommand(name, about)
    .option('-m, --message <text>', 'why, for people', message)
    .option('--commit', 'commit the edited files', false)
    .addOption(trustClockOption())
    .addOption(waitOption(reportSeconds))
}

function addChanges(shell: Shell): void {
  const load = () => import('../commands/reassign.ts')
  signing(shell, 'rename', 'Give a device another name: in the project, in its certificate and in the release.')
    .argument('<device>', 'its name')
    .argument('<to>', 'its new name')
    .action(shell.takes<RenameOptions>(['device', 'to'], async () => (await load()).rename))
  const move = signing(shell, 'move', 'Give a device another site, without joining anew.').argument(
    '<device>',
    'its name',
  )
  move
    .requiredOption('--site <site>', 'its new site; none for no site')
    .action((device: string, { site, ...options }: Omit<MoveOptions, 'device' | 'to'> & { site: string }) =>
      shell.does<MoveOptions>(async () => (await load()).move)({ ...options, device, to: site }),
    )
}

function addReplace(shell: Shell): void {
  shell
    .projectCommand(
      'replace',
      'Let other hardware take the name of a device: a token for it alone, the old key revoked.',
    )
    .argument('<device>', 'its name')
    .option('--days <n>', 'days until the token expires', days, 7)
    .option('--bootstrap <multiaddr>', "a peer to dial first, besides the project's; repeat for more", collect, [])
    .option('--reason <text>', 'the reason, for people', reason)
    .option('--force', 'also when the present hardware is at work', false)
    .option('--no-follow', 'do not wait for the new hardware')
    .option('--finish', 'only wait for the new hardware, and have the secrets follow', false)
    .option('--timeout <seconds>', 'how long to wait for it', seconds, 86_400)
    .option('-y, --yes', 'do it without asking', false)
    .addOption(trustClockOption())
    .addOption(waitOption(reportSeconds))
    .action(shell.takes<ReplaceOptions>(['device'], async () => (await import('../commands/replace.ts')).replace))
}

function addRetire(shell: Shell): void {
  signing(
    shell,
    'retire',
    'End the life of a device in the fleet: membership, entry of the project, place in the release.',
  )
    .argument('<device>', 'its name')
    .option('--wipe', 'first delete keys, secrets and state on it, through the grants of access', false)
    .option('--reason <text>', 'the reason, for people', reason)
    .option('-y, --yes', 'do it without asking', false)
    .option(...sshSetting)
    .option(...sshIdentity)
    .action(shell.takes<RetireOptions>(['device'], async () => (await import('../commands/retire.ts')).retire))
  shell
    .command('leave', 'Take this machine out of its fleet: delete keys, secrets and state. Run it as root.')
    .option('-s, --settings <file>', "the daemon's settings file", '/etc/thymesh/node.json')
    .option('--state <directory>', "the daemon's state (default: as its settings say)")
    .option('--root <directory>', 'as the daemon has it; its own, it is not stopped')
    .option('--after <seconds>', 'wait so long before', seconds, 0)
    .option('-y, --yes', 'do it without asking', false)
    .action(shell.does<LeaveOptions>(async () => (await import('../commands/leave.ts')).leave))
}

function addRestarts(shell: Shell): void {
  const load = () => import('../commands/restart.ts')
  const restarting = (name: string, about: string) =>
    shell
      .projectCommand(name, about)
      .option('--user <user>', 'as whom', 'root')
      .option('--parallel <n>', 'on how many at a time', parallel, 10)
      .option('--stop-after <n>', 'begin on no more devices after so many failures', version)
      .option('--timeout <seconds>', 'how long it may take on one device', seconds, 120)
      .option('--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds)
      .option('-y, --yes', 'do it without asking', false)
      .option(...sshSetting)
      .option(...sshIdentity)
  const which = 'names, tag:TAG, site:SITE, config:CONFIG or all'
  restarting('reboot', 'Reboot devices, through the grants of access, and wait until they are back.')
    .argument('<devices...>', which)
    .option('--back <seconds>', 'how long to wait until they are back; 0 to leave at once', seconds, 600)
    .action(shell.takes<RebootOptions>(['devices'], async () => (await load()).reboot))
  restarting('restart-unit', 'Restart a unit on devices, through the grants of access.')
    .argument('<unit>', 'a word without a dot is a service')
    .argument('<devices...>', which)
    .action(shell.takes<RestartUnitOptions>(['unit', 'devices'], async () => (await load()).restartUnit))
}

function addSupport(shell: Shell): void {
  shell
    .projectCommand(
      'support',
      'Gather what somebody who helps needs to know of a device, without secrets and addresses.',
    )
    .argument('<device>', 'its name')
    .option('--save <file>', 'write it to a new file; without, it is printed')
    .option('--wait <seconds>', 'how long to try to reach the device', seconds, reachSeconds)
    .action(shell.takes<SupportOptions>(['device'], async () => (await import('../commands/support.ts')).support))
}
