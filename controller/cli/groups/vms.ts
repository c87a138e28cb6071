/** Commands about virtual machines of this computer, each a device of the fleet. */

import { diskMegabytes, leastDiskMegabytes, leastMemoryMegabytes, memoryMegabytes } from '../../vms/limits.ts'
import type { GuestOptions } from '../commands/guest.ts'
import type { VmOptions, VmRemoveOptions, VmStopOptions } from '../commands/vm.ts'
import type { VmCreateOptions } from '../commands/vm-create.ts'
import { megabytes, type ProjectOptions, seconds } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

const load = () => import('../commands/vm.ts')

export const vmCommands: CommandGroup = shell => {
  const parent = shell.group(
    'vm',
    'Virtual machines of this computer, each a device of the fleet. Containers need root.',
  )
  shell
    .projectCommand('create', 'Make a virtual machine, let it join the fleet, and start it.', { parent })
    .argument('<name>', "the device's name, as in devices/NAME.json, which is written if it is not there")
    .requiredOption('--config <name>', 'the config that it will run')
    .option('--site <site>', 'its site')
    .option(
      '--memory <size>',
      'what it may use of the memory, such as 512M or 2G',
      megabytes(leastMemoryMegabytes),
      memoryMegabytes,
    )
    .option('--disk <size>', 'how large its disk may grow, such as 8G', megabytes(leastDiskMegabytes), diskMegabytes)
    .option('--root <directory>', "a root to boot from (default: this computer's own /usr)")
    .option('--qemu', 'for a config of the target nixos: build its image, and boot it in QEMU', false)
    .option('--no-start', 'do not start it yet')
    .option('--timeout <seconds>', 'how long to wait until a controller has signed for it', seconds, 120)
    .action(shell.takes<VmCreateOptions>(['name'], async () => (await import('../commands/vm-create.ts')).create))
  shell
    .projectCommand('list', 'List the virtual machines of this computer.', { parent })
    .action(shell.does<ProjectOptions>(async () => (await load()).list))
  shell
    .projectCommand('start', 'Start a virtual machine, and wait until it is up.', { parent })
    .argument('<name>')
    .action(shell.takes<VmOptions>(['name'], async () => (await load()).start))
  shell
    .projectCommand('stop', 'Shut a virtual machine down.', { parent })
    .argument('<name>')
    .option('--now', 'take its power away instead', false)
    .action(shell.takes<VmStopOptions>(['name'], async () => (await load()).stop))
  shell
    .projectCommand('remove', 'Retire a virtual machine from the fleet, and delete it with its disk.', { parent })
    .argument('<name>')
    .option('--no-retire', 'only delete it here; the fleet keeps its membership')
    .option('--commit', 'commit the edited files', false)
    .option('-y, --yes', 'do it without asking', false)
    .action(shell.takes<VmRemoveOptions>(['name'], async () => (await load()).remove))
  // Of the units that the module `virtual-machines` writes.
  shell
    .command('guest', "A step of the unit of this device's guest: prepare, connect or stop.", { hidden: true })
    .argument('<step>')
    .argument('<plan>', "the guest's plan, a file of the config")
    .action(shell.takes<GuestOptions>(['step', 'plan'], async () => (await import('../commands/guest.ts')).guest))
}
