/** Commands about an operator's keys and the fleet's root. */

import type { BackupOptions } from '../commands/backup.ts'
import type { KeyNewOptions, keyPassphrase, keyShow } from '../commands/key.ts'
import type { RootProposeOptions, RootSignOptions } from '../commands/root.ts'
import { documentSeconds } from '../shell/limits.ts'
import {
  collect,
  message,
  type ProjectOptions,
  type ReadOptions,
  trustClockOption,
  waitOption,
} from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const keyCommands: CommandGroup = shell => {
  const key = shell.group('key', 'Your signing keys: create them, print their public half, change the passphrase.')

  shell
    .projectCommand('new', 'Create your keys for this fleet, and print the card that other operators add.', {
      parent: key,
    })
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .option('--rotate', 'create new keys beside your present ones', false)
    .option('--listen <multiaddr>', 'an address that your controller listens on; repeat for more', collect, [])
    .option('--join <token>', 'a join token (thymesh token --relay), for the operator of a site')
    .option('--no-mdns', 'do not look for peers on the local network')
    .option('--no-passphrase', 'leave the keys unsealed: anyone who can read your files can use them')
    .action(shell.does<KeyNewOptions>(async () => (await import('../commands/key.ts')).keyNew))

  shell
    .projectCommand('show', 'Show your keys, and print your card: their public half, which you may publish.', {
      parent: key,
    })
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .action(shell.does<Parameters<typeof keyShow>[0]>(async () => (await import('../commands/key.ts')).keyShow))

  shell
    .projectCommand('passphrase', 'Seal your keys with another passphrase.', { parent: key })
    .option('--new-file <file>', 'a file with the new passphrase (default: a prompt)')
    .option('--no-passphrase', 'leave the keys unsealed: anyone who can read your files can use them')
    .action(
      shell.does<Parameters<typeof keyPassphrase>[0]>(async () => (await import('../commands/key.ts')).keyPassphrase),
    )

  shell
    .projectCommand('backup', 'Write your keys, settings and tokens of this fleet into one encrypted file.')
    .argument('<file>')
    .option('--force', 'replace a file that is there', false)
    .action(shell.takes<BackupOptions>(['file'], async () => (await import('../commands/backup.ts')).backup))
  shell
    .projectCommand('restore', 'Restore what `thymesh backup` has written, in a clone of the project.')
    .argument('<file>')
    .action(
      shell.takes<ProjectOptions & { file: string }>(
        ['file'],
        async () => (await import('../commands/backup.ts')).restore,
      ),
    )

  const root = shell.group('root', "The fleet's root metadata: its keys and thresholds, and its next version.")

  shell
    .projectCommand('show', 'Show the roles with their keys and thresholds, and the expiry of the root.', {
      parent: root,
    })
    .action(shell.does(async () => (await import('../commands/root.ts')).rootShow))

  shell
    .projectCommand('propose', 'Create and sign the next root. It is published when enough operators have signed it.', {
      parent: root,
    })
    .option(
      '--add <card>',
      "an operator's card, or a file with it; it replaces the keys of a known operator; repeat for more",
      collect,
      [],
    )
    .option('--remove <operator>', 'an operator whose keys are removed; repeat for more', collect, [])
    .option(
      '--keep <name>',
      'with --remove: a member that stays although the operator let it in, such as kiosk-*; repeat for more',
      collect,
      [],
    )
    .option('--threshold <role=n>', 'signatures that a role needs, such as targets=2; repeat for more', collect, [])
    .option('--drop-nix-key <name>', 'a Nix key that is removed; repeat for more', collect, [])
    .option('--rotate', 'replace your old keys by your new ones (after thymesh key new --rotate)', false)
    .option('--renew', 'change only the expiry, to two years from now', false)
    .option('-m, --message <text>', 'the reason, for other operators', message)
    .option('--file <file>', 'write the proposal to this file, and start no controller')
    .option('-y, --yes', 'sign without asking', false)
    .addOption(trustClockOption())
    .action(shell.does<RootProposeOptions>(async () => (await import('../commands/root.ts')).rootPropose))

  shell
    .projectCommand('sign', 'Sign a root that another operator has proposed in a file. In the mesh: thymesh approve.', {
      parent: root,
    })
    .requiredOption('--file <file>', 'the file; it is written back with your signature')
    .option('-m, --message <text>', 'a comment for the log', message)
    .option('--offline', 'start no controller, even if the root has all signatures', false)
    .option('-y, --yes', 'sign without asking', false)
    .addOption(trustClockOption())
    .action(shell.does<RootSignOptions>(async () => (await import('../commands/root.ts')).rootSign))

  shell
    .projectCommand('log', 'Show who signed what and when: roots, releases, members, proposals and approvals.')
    .addOption(waitOption(documentSeconds))
    .action(shell.does<ReadOptions>(async () => (await import('../commands/log.ts')).log))
}
