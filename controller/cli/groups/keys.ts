/** Commands about an operator's keys and the fleet's root. */

import type { KeyNewOptions, keyPassphrase, keyShow } from '../commands/key.ts'
import type { RootProposeOptions, RootSignOptions } from '../commands/root.ts'
import { documentSeconds } from '../shell/limits.ts'
import { collect, message, type ReadOptions, trustClockOption, waitOption } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const keyCommands: CommandGroup = shell => {
  const key = shell.group('key', 'Your signing keys: make them, show their public half, change the passphrase.')

  shell
    .projectCommand('new', 'Make keys of your own for this fleet, and the card that other operators add.', {
      parent: key,
    })
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .option('--rotate', 'make new keys beside the ones you have', false)
    .option('--listen <multiaddr>', 'where your controller listens; repeat for more', collect, [])
    .option('--join <token>', "a join token (thymesh token --relay), for a site's operator")
    .option('--no-mdns', 'do not look for peers on the local network')
    .option('--no-passphrase', 'leave the keys open, for whoever can read your files')
    .action(shell.does<KeyNewOptions>(async () => (await import('../commands/key.ts')).keyNew))

  shell
    .projectCommand('show', 'Show your keys and your card: the public half, which you may hand on.', { parent: key })
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .action(shell.does<Parameters<typeof keyShow>[0]>(async () => (await import('../commands/key.ts')).keyShow))

  shell
    .projectCommand('passphrase', 'Seal your keys anew, with another passphrase.', { parent: key })
    .option('--new-file <file>', 'a file with the new passphrase (default: you are asked)')
    .option('--no-passphrase', 'leave the keys open, for whoever can read your files')
    .action(
      shell.does<Parameters<typeof keyPassphrase>[0]>(async () => (await import('../commands/key.ts')).keyPassphrase),
    )

  const root = shell.group('root', "The fleet's root: whose signatures count, and how many; its next version.")

  shell
    .projectCommand('show', 'Show the roles, their keys and thresholds, and when the root expires.', { parent: root })
    .action(shell.does(async () => (await import('../commands/root.ts')).rootShow))

  shell
    .projectCommand('propose', 'Make and sign the next root; it is published once enough operators have.', {
      parent: root,
    })
    .option(
      '--add <card>',
      "an operator's card, or a file with it; of a known name: the keys that replace theirs",
      collect,
      [],
    )
    .option('--remove <operator>', 'an operator whose keys count no more; repeat for more', collect, [])
    .option('--threshold <role=n>', 'signatures that a role needs, such as targets=2; repeat for more', collect, [])
    .option('--drop-nix-key <name>', 'a Nix key whose signatures count no more; repeat for more', collect, [])
    .option('--rotate', 'your own new keys in place of your old ones (after thymesh key new --rotate)', false)
    .option('--renew', 'only a new expiry, two years from now', false)
    .option('-m, --message <text>', 'why, for people', message)
    .option('--file <file>', 'write the proposal to this file, and start no controller')
    .option('-y, --yes', 'sign without asking', false)
    .addOption(trustClockOption())
    .action(shell.does<RootProposeOptions>(async () => (await import('../commands/root.ts')).rootPropose))

  shell
    .projectCommand('sign', 'Sign a root that another operator has proposed in a file. Of the mesh: thymesh approve.', {
      parent: root,
    })
    .requiredOption('--file <file>', 'the file; it is written back with your signature')
    .option('-m, --message <text>', 'for people', message)
    .option('--offline', 'start no controller, also when all signatures are there', false)
    .option('-y, --yes', 'sign without asking', false)
    .addOption(trustClockOption())
    .action(shell.does<RootSignOptions>(async () => (await import('../commands/root.ts')).rootSign))

  shell
    .projectCommand('log', 'Show who signed what and when: roots, releases, members, proposals and approvals.')
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/log.ts')).log))
}
