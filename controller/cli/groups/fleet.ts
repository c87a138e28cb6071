/** The commands that create a fleet, and check the machine of an operator or a device. */

import type { DoctorOptions } from '../commands/doctor.ts'
import type { InitOptions } from '../commands/init.ts'
import { collect } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const fleetCommands: CommandGroup = shell => {
  shell
    .command('init', 'Create a fleet: your signing keys, and a project that declares its devices.')
    .argument('[directory]', 'the folder of the project; existing files stay', '.')
    .option('--name <name>', "the fleet's name (default: the directory's)")
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .option('--listen <multiaddr>', 'an address that this controller listens on; repeat for more', collect, [])
    .option(
      '--bootstrap <multiaddr>',
      'a peer that is always dialled and that join tokens name; repeat for more',
      collect,
      [],
    )
    .option('--no-mdns', 'do not look for peers on the local network')
    .option('--store <directory>', "build in a separate Nix store under this directory, not in the machine's")
    .option('--passphrase-file <file>', 'a file with the passphrase for your signing keys (or THYMESH_PASSPHRASE)')
    .option('--no-passphrase', 'leave your signing keys unsealed: anyone who can read your files can use them')
    .action((directory: string, options: Omit<InitOptions, 'directory'>) =>
      shell.does<InitOptions>(async () => (await import('../commands/init.ts')).init)({ ...options, directory }),
    )

  shell
    .command(
      'doctor',
      'Check that this machine has all that a device or an operator needs; each fault with the next step.',
    )
    .option('--state <directory>', "a daemon's state; repeat for more (default: /var/lib/thymesh)", collect, [])
    .option('--device', 'check what a device needs (default: where this machine has joined a fleet)', false)
    .option('--laptop', 'check what an operator needs (default: where there are keys, or no device)', false)
    .action(shell.does<DoctorOptions>(async () => (await import('../commands/doctor.ts')).doctor))
}
