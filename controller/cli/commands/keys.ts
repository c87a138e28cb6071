/** Commands about an operator's keys and the fleet's root. */

import type { KeyNewOptions, keyPassphrase, keyShow } from '../key.ts'
import { collect } from '../options.ts'
import type { CommandGroup } from '../shell.ts'

export const keyCommands: CommandGroup = shell => {
  const key = shell.group('key', 'Your signing keys: make them, show their public half, change the passphrase.')

  shell
    .projectCommand('new', 'Make keys of your own for this fleet, and the card that other operators add.', {
      parent: key,
    })
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .option('--rotate', 'make new keys beside the ones you have', false)
    .option('--listen <multiaddr>', 'where your controller listens; repeat for more', collect, [])
    .option('--no-mdns', 'do not look for peers on the local network')
    .option('--no-passphrase', 'leave the keys open, for whoever can read your files')
    .action(shell.does<KeyNewOptions>(async () => (await import('../key.ts')).keyNew))

  shell
    .projectCommand('show', 'Show your keys and your card: the public half, which you may hand on.', { parent: key })
    .option('--operator <name>', 'your name in the fleet (default: your user name)')
    .action(shell.does<Parameters<typeof keyShow>[0]>(async () => (await import('../key.ts')).keyShow))

  shell
    .projectCommand('passphrase', 'Seal your keys anew, with another passphrase.', { parent: key })
    .option('--new-file <file>', 'a file with the new passphrase (default: you are asked)')
    .option('--no-passphrase', 'leave the keys open, for whoever can read your files')
    .action(shell.does<Parameters<typeof keyPassphrase>[0]>(async () => (await import('../key.ts')).keyPassphrase))
}
