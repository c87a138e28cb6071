/** Commands that build and compare configs and update inputs. */

import type { BuildOptions, DiffOptions } from '../commands/build.ts'
import type { ServeOptions } from '../commands/serve.ts'
import type { TryOptions } from '../commands/try.ts'
import type { WebOptions } from '../commands/web.ts'
import { type ProjectOptions, port, seconds, version } from '../shell/options.ts'
import type { CommandGroup } from '../shell/shell.ts'

const inputs = () => import('../commands/input.ts')

export const buildCommands: CommandGroup = shell => {
  shell
    .projectCommand('build', 'Build configs without making a release. Uncommitted changes are included.')
    .argument('[configs...]', 'their names (default: all)')
    .action(shell.takes<BuildOptions>(['configs'], async () => (await import('../commands/build.ts')).build))
  shell
    .projectCommand('diff', 'Build configs, and compare their packages, versions and sizes with a release.')
    .argument('[configs...]', 'their names (default: all)')
    .option('--release <version>', 'the release to compare with (default: the newest)', version)
    .action(shell.takes<DiffOptions>(['configs'], async () => (await import('../commands/build.ts')).diff))
  shell
    .projectCommand('try', 'Rehearse a config on a throw-away machine: its update, with a power cut in it, and back.')
    .argument('<config>', 'its name; uncommitted changes are included')
    .option(
      '--from <version>',
      'the release that the update comes from (default: the newest that has the config)',
      version,
    )
    .option('--no-from', 'try a first install')
    .option('--device <name>', 'the name of the machine (default: a device of the config)')
    .option('--root <directory>', "a root to boot from (default: this computer's own /usr)")
    .option('--timeout <seconds>', 'the limit of the rehearsal, after the build (default: by its machine)', seconds)
    .action(shell.takes<TryOptions>(['config'], async () => (await import('../commands/try.ts')).tryConfig))
  shell
    .projectCommand('update', 'Update flake inputs to their newest versions, and show the changes.')
    .argument('[names...]', 'their names (default: all)')
    .option('--commit [message]', 'commit flake.lock')
    .action(shell.takes(['names'], async () => (await inputs()).update))
  shell
    .projectCommand('serve', 'Run a controller in the mesh until a signal ends it.')
    .option('--auto-update', "update inputs, build and deploy on the project's schedule", false)
    .option('--now', 'auto-update once, then exit', false)
    .option('--alerts', 'send alerts, after the devices that can', false)
    .option('--api <port>', 'answer reads on this port of 127.0.0.1 too; 0 for any free one', port)
    .action(shell.does<ServeOptions>(async () => (await import('../commands/serve.ts')).serve))

  const page = shell
    .projectCommand('web', 'Open the web page of this controller in a browser.')
    .option('--print', 'print the address, for a browser of your choice', false)
    .option('--no-open', 'start no browser')
    .option('--port <port>', 'the port of 127.0.0.1 (default: 4462)', port)
    .action(shell.does<WebOptions>(async () => (await import('../commands/web.ts')).web))
  shell
    .projectCommand('sessions', 'List the browsers that are signed in.', { parent: page })
    .action(shell.does<ProjectOptions>(async () => (await import('../commands/web.ts')).sessions))
  shell
    .projectCommand('end', 'Sign a browser out.', { parent: page })
    .argument('<id>', 'its session')
    .action(shell.takes(['id'], async () => (await import('../commands/web.ts')).end))

  shell
    .command('schema', 'Print the local API of a running controller as an OpenAPI document.', {
      parent: shell.group('api', 'The local API: HTTP on a Unix socket, for programs of this machine.'),
    })
    .action(shell.does(async () => (await import('../commands/api.ts')).apiSchema))

  const tasks = shell
    .projectCommand('tasks', 'List the tasks of this controller: what was ordered, and what came of it.')
    .action(shell.does<ProjectOptions>(async () => (await import('../commands/tasks.ts')).list))
  shell
    .projectCommand('show', 'Show a task and what it said; follow it while it runs.', { parent: tasks })
    .argument('<id>', 'its ID')
    .action(shell.takes(['id'], async () => (await import('../commands/tasks.ts')).show))
  shell
    .projectCommand('cancel', 'Cancel a task that runs.', { parent: tasks })
    .argument('<id>', 'its ID')
    .action(shell.takes(['id'], async () => (await import('../commands/tasks.ts')).cancel))

  shell
    .projectCommand('retry', 'Give the order of an ended task again.', { parent: tasks })
    .argument('<id>', 'its ID')
    .action(shell.takes(['id'], async () => (await import('../commands/tasks.ts')).retry))

  const parent = shell.group('input', 'Inputs: repositories that bring modules, packages and device types.')
  shell
    .projectCommand('list', 'List the inputs, and what each of them offers.', { parent })
    .action(shell.does(async () => (await inputs()).list))
  shell
    .projectCommand('show', 'Show what an input offers.', { parent })
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await inputs()).show))
  shell
    .projectCommand('add', 'Add an input to flake.nix, and lock it.', { parent })
    .argument('<name>')
    .argument('<url>', 'such as github:owner/name or git+https://…')
    .option('--secret <name>', 'the secret with its access token')
    .action(shell.takes(['name', 'url'], async () => (await inputs()).add))
  shell
    .projectCommand('remove', 'Remove an input from flake.nix.', { parent })
    .argument('<name>')
    .action(shell.takes(['name'], async () => (await inputs()).remove))
  shell
    .projectCommand('update', 'Update inputs to their newest versions, as thymesh update does.', { parent })
    .argument('[names...]')
    .option('--commit [message]', 'commit flake.lock')
    .action(shell.takes(['names'], async () => (await inputs()).update))
}
