/** Commands about the fleet itself: founding it and its keys. */

import type { InitOptions } from '../commands/init.ts'
import { collect } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const fleetCommands: CommandGroup = shell => {
  shell
    .command('init', 'Found a fleet: signing keys for you, and a project that declares its devices.')
    .argument('[directory]', 'where the project goes; what is there stays', '.')
    .option('--name <name>', "the fleet's name (default: the directory's)")
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .option('--listen <multiaddr>', 'where this controller listens; repeat for more', collect, [])
    .option(
      '--bootstrap <multiaddr>',
      'a peer that is always dialled and that join tokens name; repeat for more',
      collect,
      [],
    )
    .option('--no-mdns', 'do not look for peers on the local network')
    .option('--store <directory>', "build in a Nix store of its own under this directory, not the machine's")
    .option('--passphrase-file <file>', 'a file with the passphrase for your signing keys (or THYMESH_PASSPHRASE)')
    .option('--no-passphrase', 'leave your signing keys open, for whoever can read your files')
    .action((directory: string, options: Omit<InitOptions, 'directory'>) =>
      shell.does<InitOptions>(async () => (await import('../commands/init.ts')).init)({ ...options, directory }),
    )
}
