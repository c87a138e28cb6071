/** Commands about devices: running the daemon on one, and seeing how all of them are. */

import type { NodeOptions } from '../node.ts'
import { collect, seconds } from '../options.ts'
import type { CommandGroup } from '../shell.ts'

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
    .action(shell.does<NodeOptions>(async () => (await import('../node.ts')).node))

  shell
    .projectCommand('status', 'Show what every device runs, by the newest reports in reach.')
    .option('--wait <seconds>', 'how long to wait for peers', seconds, 5)
    .action(shell.does(async () => (await import('../status.ts')).status))
}
