/** The commands of the CLI and their options. What a command does is loaded when it runs, so that help is quick. */

import { Command, CommanderError, Help, Option } from 'commander'
import type { InitOptions } from './init.ts'
import type { NodeOptions } from './node.ts'
import {
  type CommandWork,
  collect,
  days,
  type GlobalOptions,
  logLevelNames,
  type ProjectOptions,
  seconds,
  version,
} from './options.ts'
import { exitCodes, printError, run } from './output.ts'

const exitCodeHelp = `
Exit codes: 0 done; 1 failed, and the message says why; 64 the command line is wrong.`
const watchExitCodeHelp = `
Exit codes: 0 all devices run it, or you left; 1 failed, here or on a device; 2 the time was over before all had
reported; 64 the command line is wrong.`

/** Parses and runs a command line; resolves to the exit code. */
export async function parse(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  let exitCode: number = exitCodes.done
  const program = makeProgram(json, code => {
    exitCode = code
  })
  try {
    await program.parseAsync(argv)
    return exitCode
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    if (thrown.exitCode === 0) return exitCodes.done
    const message = thrown.message.replace(/^error: /, '')
    if (json) printError({ json }, { code: 'usage', message, hint: 'thymesh --help shows the commands.' })
    return exitCodes.usage
  }
}

/** Commander's, without the defaults that say nothing. */
function optionDescription(option: Option): string {
  return new Help().optionDescription(option).replace(/ \(default: (false|\[\])\)$/, '')
}

function makeProgram(json: boolean, ended: (exitCode: number) => void): Command {
  const program = new Command('thymesh')
    .description('Fleets of Linux devices declared in Nix, managed without a server.')
    .version('0.1.0')
    .exitOverride()
    .configureOutput(json ? { writeErr: () => {} } : {})
    .configureHelp({ optionDescription })
    .showHelpAfterError('(thymesh --help shows the commands, thymesh COMMAND --help the options of one)')
    .showSuggestionAfterError()
    .addHelpText('after', exitCodeHelp)

  /** An action that loads a command's work and runs it. */
  const does =
    <Options extends GlobalOptions>(load: () => Promise<CommandWork<Options>>) =>
    async (options: Options) =>
      ended(await run(async given => (await load())(given), options))

  const command = (name: string, description: string, exitCodeText = exitCodeHelp) =>
    program
      .command(name)
      .description(description)
      .option('--json', 'print one JSON object instead of text, also for an error', false)
      .addOption(new Option('--log <level>', 'log to standard error').choices(logLevelNames))
      .addHelpText('after', exitCodeText)
  const projectCommand = (...args: Parameters<typeof command>) =>
    command(...args).option('-p, --project <directory>', 'a folder of the project', '.')
  const watchCommand = (name: string, description: string) =>
    projectCommand(name, description, watchExitCodeHelp)
      .option('--no-wait', 'leave as soon as one other peer has the release')
      .option('--wait-for <device>', 'wait for this device only; repeat for more (default: all)', collect, [])
      .option('--timeout <seconds>', 'leave after this time (default: a day)', seconds)

  command('init', 'Found a fleet: signing keys for you, and a project that declares its devices.')
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
    .action((directory: string, options: Omit<InitOptions, 'directory'>) =>
      does<InitOptions>(async () => (await import('./init.ts')).init)({ ...options, directory }),
    )

  projectCommand('token', 'Make a join token: with it devices become members, also where no controller is.')
    .option('--names <pattern>', 'names of devices that may join with it, such as kiosk-*', '*')
    .option('--site <site>', 'the site that its devices belong to')
    .option('--days <n>', 'days for which it can be used', days, 30)
    .option('--certificate-days <n>', 'days for which a membership holds', days, 730)
    .option('--bootstrap <multiaddr>', "a peer to start from, beside the project's; repeat for more", collect, [])
    .action(does(async () => (await import('./token.ts')).token))

  command('node', 'Run the daemon of a device. Flags stand over the settings file.')
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
    .action(does<NodeOptions>(async () => (await import('./node.ts')).node))

  watchCommand('deploy', 'Build the project, sign a release and bring it to the devices.')
    .option('-m, --message <text>', 'what is new, for people')
    .option('--force', 'release also when nothing would change', false)
    .action(does(async () => (await import('./deploy.ts')).deploy))

  projectCommand('status', 'Show what every device runs, by the newest reports in reach.')
    .option('--wait <seconds>', 'how long to wait for peers', seconds, 5)
    .action(does(async () => (await import('./status.ts')).status))

  projectCommand('releases', 'List the releases that this controller knows, the newest first.')
    .option('--wait <seconds>', 'how long to wait for peers', seconds, 2)
    .action(does<ProjectOptions & { wait: number }>(async () => (await import('./releases.ts')).releases))

  watchCommand('rollback', 'Go back: a new release that names the configs of an older one.')
    .option('--to <version>', 'the release to go back to (default: the one before)', version)
    .option('-m, --message <text>', 'why, for people')
    .action(does(async () => (await import('./rollback.ts')).rollback))

  return program
}
