/** The frame of every command of the CLI: global options, exit codes, and how its code is loaded and run. */

import { existsSync } from 'node:fs'
import { Command, Help, Option } from 'commander'
import { version } from '../../../protocol/version.ts'
import { cacheDirectory, homeDirectory } from '../../fleet/directories.ts'
import { writeText } from '../../format/terminal.ts'
import { passphrases } from '../../keys/passphrase.ts'
import { keepCompiledCode } from './compiled-code.ts'
import { type CommandWork, collect, type GlobalOptions, logLevelNames, seconds, trustClockOption } from './options.ts'
import { run } from './output.ts'

const exitCodeHelp = `
Exit codes: 0 done; 1 failed, and the message says why; 64 the command line is wrong.`
const watchExitCodeHelp = `
Exit codes: 0 all devices run it, or you left; 1 failed, here or on a device; 2 the time was over before all had
reported; 64 the command line is wrong.`

/** Adds a group's commands to the CLI. The code of a command is loaded when it runs, so that help is quick. */
export type CommandGroup = (shell: Shell) => void

export class Shell {
  readonly program: Command
  readonly #ended: (exitCode: number) => void

  /** `ended` is told the exit code of the command that ran; with `json` nothing but results is printed. */
  constructor(init: { json: boolean; ended: (exitCode: number) => void }) {
    this.#ended = init.ended
    this.program = new Command('thymesh')
      .description('Manage fleets of Linux devices that are declared in Nix, without a server.')
      .version(init.json ? JSON.stringify({ version }) : version)
      .exitOverride()
      // Else a command would take the options of its subcommands where both have one of the same name.
      .enablePositionalOptions()
      .configureOutput({
        writeOut: text => writeText('stdout', text.trimEnd()),
        writeErr: text => init.json || writeText('stderr', text.trimEnd()),
      })
      .configureHelp({ optionDescription })
      .showHelpAfterError('(thymesh --help shows the commands, thymesh COMMAND --help the options of one)')
      .showSuggestionAfterError()
      .addHelpText('after', exitCodeHelp)
  }

  /** A command, or with `parent` one of its subcommands. */
  command(
    name: string,
    description: string,
    init: { parent?: Command; exitCodes?: string; isDefault?: boolean; hidden?: boolean } = {},
  ): Command {
    return (init.parent ?? this.program)
      .command(name, { isDefault: init.isDefault ?? false, hidden: init.hidden ?? false })
      .enablePositionalOptions()
      .description(description)
      .option('--json', 'print one JSON object instead of text, also for errors', false)
      .addOption(new Option('--log <level>', 'log to standard error').choices(logLevelNames))
      .addHelpText('after', init.exitCodes ?? exitCodeHelp)
  }

  /** A command that holds subcommands; the same one for the same name, whichever group of commands asks first. */
  group(name: string, description: string): Command {
    const known = this.program.commands.find(command => command.name() === name)
    return known ?? this.program.command(name).description(description).addHelpText('after', exitCodeHelp)
  }

  /** A command that works in a project. */
  projectCommand(...args: Parameters<Shell['command']>): Command {
    return this.command(...args)
      .option('-p, --project <directory>', 'a folder of the project', '.')
      .option('--passphrase-file <file>', 'a file with the passphrase of your signing keys (or THYMESH_PASSPHRASE)')
  }

  /** A command that makes a release and watches it reach the devices. */
  watchCommand(name: string, description: string): Command {
    return this.projectCommand(name, description, { exitCodes: watchExitCodeHelp })
      .option('--no-wait', 'leave as soon as one other peer has the release')
      .option('--wait-for <device>', 'wait for this device only; repeat for more (default: all)', collect, [])
      .option('--timeout <seconds>', 'leave after this time (default: a day)', seconds)
      .addOption(trustClockOption())
  }

  /** An action that loads a command's work and runs it. */
  does<Options extends GlobalOptions>(load: () => Promise<CommandWork<Options>>): (options: Options) => Promise<void> {
    return async options => {
      if (options.passphraseFile !== undefined) passphrases.useFile(options.passphraseFile)
      // For operators: a device runs few commands, and its flash wears.
      if (existsSync(homeDirectory())) keepCompiledCode(cacheDirectory())
      this.#ended(await run<Options>(async given => (await load())(given), options))
    }
  }

  /** The same for a command with arguments, which become options of these names. */
  takes<Options extends GlobalOptions>(
    names: readonly string[],
    load: () => Promise<CommandWork<Options>>,
  ): (...given: unknown[]) => Promise<void> {
    return async (...given) => {
      const options = given[names.length] as Options
      const named = names.map((name, index) => [name, given[index]] as const)
      await this.does(load)({ ...options, ...Object.fromEntries(named) })
    }
  }
}

/** Commander's, without the defaults that say nothing. */
function optionDescription(option: Option): string {
  return new Help().optionDescription(option).replace(/ \(default: (false|\[\])\)$/, '')
}
