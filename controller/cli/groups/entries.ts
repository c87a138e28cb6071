/** Commands that edit configs, tags and devices. */

import type { EntryFolder } from '../../project/schemas.ts'
import type { AddOptions, EntryOptions } from '../commands/entries.ts'
import { collect, priority } from '../shell/options.ts'
import type { CommandGroup, Shell } from '../shell/shell.ts'

const kinds: readonly { folder: EntryFolder; word: string; about: string }[] = [
  { folder: 'configs', word: 'config', about: 'Configs: classes of devices.' },
  { folder: 'tags', word: 'tag', about: 'Tags: modules and settings that configs share.' },
  { folder: 'devices', word: 'device', about: 'Devices: their configs and their state.' },
]

export const entryCommands: CommandGroup = shell => {
  for (const kind of kinds) addKind(shell, kind)
}

const load = () => import('../commands/entries.ts')

function addKind(shell: Shell, { folder, word, about }: (typeof kinds)[number]): void {
  const parent = shell.group(word, about)
  const command = (name: string, text: string) => shell.projectCommand(name, text, { parent })
  const runs = <Options extends EntryOptions>(names: string[], verb: keyof Awaited<ReturnType<typeof load>>) =>
    shell.takes<Options>(names, async () => {
      const work = (await load())[verb] as (options: Options) => Promise<undefined>
      return options => work({ ...options, folder })
    })

  command('list', `List the project's ${word}s.`).action(runs([], 'list'))
  // `thymesh device NAME` is about the device itself, not its file alone.
  if (folder !== 'devices') {
    command('show', `Show the file of a ${word}, or the value of a key in it.`)
      .argument('<name>')
      .argument('[key]', 'such as modules.web.port')
      .action(runs(['name', 'key'], 'show'))
  }
  const add = command('add', `Add a ${word}.`)
    .argument('<name>')
    .option('--display-name <text>', 'the name that people see')
    .option('--description <text>', 'what it is for')
    .option('--module <name>', 'a module, with its defaults; repeat for more', collect, [])
    .option('--set <key=value>', 'a key as `set` takes it, such as kiosk.url=https://…; repeat for more', collect, [])
  if (folder === 'tags') add.option('--priority <number>', 'the lower priority wins over other tags', priority)
  else {
    add.option('--tag <name>', 'a tag; repeat for more', collect, []).option('--type <name>', 'the device type')
  }
  if (folder === 'configs') {
    add
      .option('--system <system>', "Nix's name of the platform, such as x86_64-linux")
      .option('--target <target>', 'portable or nixos')
  }
  if (folder === 'devices') {
    add.requiredOption('--config <name>', 'the config that it runs').option('--site <name>', 'its site')
  }
  add.action(
    shell.takes<AddOptions>(['name'], async () => {
      const { add: work } = await load()
      return options => work({ ...options, tag: options.tag ?? [], folder })
    }),
  )
  command('remove', `Remove a ${word} that nothing uses.`)
    .argument('<name>')
    .action(runs(['name'], 'remove'))
  command('rename', `Rename a ${word}, and update all references to it.`)
    .argument('<name>')
    .argument('<to>')
    .action(runs(['name', 'to'], 'rename'))
  command('set', `Set a key of a ${word}.`)
    .argument('<name>')
    .argument('<key>', 'such as displayName or modules.web.port (web.port for short)')
    .argument('[value]', 'JSON, or text where the key takes text')
    .option('--from <file>', 'take the value from a file; - for standard input')
    .action(runs(['name', 'key', 'value'], 'set'))
  command('unset', `Remove a key from a ${word}.`)
    .argument('<name>')
    .argument('<key>')
    .action(runs(['name', 'key'], 'unset'))
}
