/** Commands about secrets. */

import { Option } from 'commander'
import type { CommandGroup } from '../shell/shell.ts'

const load = () => import('../commands/secret.ts')

export const secretCommands: CommandGroup = shell => {
  const parent = shell.group('secret', 'Secrets: encrypted in the project, decrypted on the devices that use them.')
  const command = (name: string, text: string) => shell.projectCommand(name, text, { parent })
  const from = 'take the content from a file; - for standard input'

  command('list', 'List the secrets, and the devices that use them.').action(
    shell.does(async () => (await load()).list),
  )
  command('add', 'Add a secret. Its content comes from a prompt, a pipe or a file.')
    .argument('<name>')
    .addOption(
      new Option('--type <type>', 'the kind of its content')
        .choices(['single-line', 'multi-line', 'environment', 'file'])
        .default('single-line'),
    )
    .addOption(
      new Option('--processing <way>', 'how it is processed for devices').choices(['none', 'yescrypt']).default('none'),
    )
    .option('--from <file>', from)
    .option('--random', 'generate a password')
    .option('--display-name <text>', 'the name that people see')
    .option('--description <text>', 'what it is for')
    .action(shell.takes(['name'], async () => (await load()).add))
  command('set', 'Give a secret new content. Devices get it with the next deploy.')
    .argument('<name>')
    .option('--from <file>', from)
    .action(shell.takes(['name'], async () => (await load()).set))
  command('rotate', 'Give a secret new content, generated or from a file.')
    .argument('<name>')
    .option('--from <file>', from)
    .option('--random', 'generate a password')
    .action(shell.takes(['name'], async () => (await load()).set))
  command('edit', "Edit a secret's content in $EDITOR.")
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await load()).edit))
  command('show', "Print a secret's content.")
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await load()).show))
  command('remove', 'Remove a secret that nothing uses.')
    .argument('<name>')
    .option('--force', "also where modules that can't be read may use it", false)
    .action(shell.takes(['name'], async () => (await load()).remove))
  command('rekey', 'Re-encrypt all secrets to the operators in thymesh.json.').action(
    shell.does(async () => (await load()).rekeyAll),
  )
  command('identity', 'Print your age recipient, for another operator to allow.').action(
    shell.does(async () => (await load()).identity),
  )
  command('allow', 'Let an operator read the secrets.')
    .argument('<name>', "the operator's name")
    .argument('<recipient>', 'as `thymesh secret identity` prints it')
    .action(shell.takes(['name', 'recipient'], async () => (await load()).allow))
  command('disallow', 'Re-encrypt the secrets, so that an operator can no longer read them.')
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await load()).disallow))
}
