/** Commands about the project: checking it, editing it, building it. */

import { Argument } from 'commander'
import type { CheckOptions } from '../commands/check.ts'
import { checkSeconds } from '../shell/limits.ts'
import { seconds } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

/** json-schemas.ts has the same, but loads all schemas as well. */
const schemaNames = ['thymesh', 'config', 'tag', 'device', 'secret', 'rollout']

export const projectCommands: CommandGroup = shell => {
  shell
    .projectCommand('check', 'Check the whole project, and report every problem with file and line. Writes nothing.')
    .option('--timeout <seconds>', 'the time limit of one evaluation by Nix', seconds, checkSeconds)
    .action(shell.does<CheckOptions>(async () => (await import('../commands/check.ts')).check))

  shell
    .command('schema', "Print or write JSON Schemas of the project's files, for editors.")
    .addArgument(new Argument('[name]', 'its name (default: all)').choices(schemaNames))
    .option('--to <directory>', 'write them to this folder')
    .action(shell.takes(['name'], async () => (await import('../commands/schema.ts')).schema))

  shell
    .projectCommand(
      'import-thymis',
      'Import the configs and tags of a Thymis project, and list what has no counterpart.',
    )
    .argument('<directory>', "the folder with Thymis's state.json")
    .action(shell.takes(['directory'], async () => (await import('../commands/import-thymis.ts')).importThymis))

  const modules = { parent: shell.group('module', 'Modules: the building blocks of configs.') }
  shell
    .projectCommand('list', 'List the modules that the project can use.', modules)
    .action(shell.does(async () => (await import('../commands/modules.ts')).list))
  shell
    .projectCommand('show', "Show a module's settings.", modules)
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await import('../commands/modules.ts')).show))
  shell
    .projectCommand('add', 'Add the file of a new module.', modules)
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await import('../commands/modules.ts')).add))
  shell
    .projectCommand('remove', 'Remove a module of the project that nothing uses.', modules)
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await import('../commands/modules.ts')).remove))

  const artifacts = { parent: shell.group('artifact', 'Artifacts: files and folders that configs put on devices.') }
  shell
    .projectCommand('list', 'List the artifacts.', artifacts)
    .action(shell.does(async () => (await import('../commands/artifacts.ts')).list))
  shell
    .projectCommand('add', 'Copy a file or folder into artifacts/.', artifacts)
    .argument('<source>', 'the file or folder')
    .argument('[name]', 'its path below artifacts/ (default: its own name)')
    .action(shell.takes(['source', 'name'], async () => (await import('../commands/artifacts.ts')).add))
  shell
    .projectCommand('remove', 'Remove an artifact that nothing uses.', artifacts)
    .argument('<name>')
    .option('--force', "also where modules that can't be read may use it", false)
    .action(shell.takes(['name'], async () => (await import('../commands/artifacts.ts')).remove))
}
