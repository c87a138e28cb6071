/** The commands of the CLI as plain data, for man pages and completions: what `--help` shows, and nothing that it hides. */

import type { Command } from 'commander'

export interface CommandNode {
  /** Its words, without `thymesh`. */
  readonly path: readonly string[]
  readonly description: string
  /** As in `thymesh status [options]`. */
  readonly usage: string
  readonly options: readonly CommandOption[]
  readonly arguments: readonly { name: string; description: string }[]
  readonly commands: readonly CommandNode[]
}

export interface CommandOption {
  /** As in help: `-p, --project <directory>`. */
  readonly flags: string
  readonly short: string | undefined
  readonly long: string | undefined
  readonly description: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp()
  // Every command has it; commander's own `help` says the same.
  const shown = help.visibleCommands(command).filter(each => each.name() !== 'help')
  return {
    path,
    description: command.description(),
    usage: help.commandUsage(command),
    options: help.visibleOptions(command).map(option => ({
      flags: option.flags,
      short: option.short,
      long: option.long,
      description: help.optionDescription(option).replace(/ \(default: (?:false|\[\])\)$/, ''),
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
    })),
    arguments: help
      .visibleArguments(command)
      .map(argument => ({ name: help.argumentTerm(argument), description: help.argumentDescription(argument) })),
    commands: shown.map(each => commandTree(each, [...path, each.name()])),
  }
}

/** A command and all below it. */
export function allCommands(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(allCommands)]
}
