/** `thymesh completion`: the completion of a shell, made of the commands themselves. */

import type { Command } from 'commander'
import { HintedError } from '../../../protocol/errors.ts'
import { allCommands, type CommandNode, type CommandOption, commandTree } from '../shell/command-tree.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface CompletionOptions extends GlobalOptions {
  shell: string
  program: Command
}

const scripts: Readonly<Record<string, (commands: readonly CommandNode[]) => string[]>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export async function completion({ shell, program, ...options }: CompletionOptions): Promise<undefined> {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
  if (script === undefined) {
    throw new HintedError('unknown-shell', `expected bash, zsh or fish, got ${shell}`, {
      hint: 'For bash: thymesh completion bash >/etc/bash_completion.d/thymesh',
    })
  }
  const text = script(allCommands(commandTree(program))).join('\n')
  print(options, { shell, script: text }, text)
  return undefined
}

/** The words of a command as the scripts compare them: `/device/list`, and nothing for `thymesh` alone. */
function place({ path }: CommandNode): string {
  return path.map(word => `/${word}`).join('')
}

function optionWords(command: CommandNode): string[] {
  return command.options.flatMap(({ short, long }) => [long, short].filter(each => each !== undefined))
}

function withValue(commands: readonly CommandNode[]): { at: string; option: CommandOption }[] {
  return commands.flatMap(command =>
    command.options.filter(({ takesValue }) => takesValue).map(option => ({ at: place(command), option })),
  )
}

function names({ short, long }: CommandOption): string[] {
  return [short, long].filter(each => each !== undefined)
}

function bashScript(commands: readonly CommandNode[]): string[] {
  const below = commands.filter(({ path }) => path.length > 0)
  return [
    '# Completion of thymesh for bash, made by thymesh completion bash.',
    '_thymesh() {',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    '  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} place= words= index',
    '  for ((index = 1; index < COMP_CWORD; index++)); do',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    '    case $place/${COMP_WORDS[index]} in',
    `      ${below.map(place).join(' | ')}) place=$place/\${COMP_WORDS[index]} ;;`,
    '    esac',
    '  done',
    '  COMPREPLY=()',
    '  case $place:$before in',
    ...withValue(commands).map(({ at, option }) => {
      const does =
        option.choices.length > 0
          ? `mapfile -t COMPREPLY < <(compgen -W '${option.choices.join(' ')}' -- "$current")`
          : ':'
      const patterns = names(option).map(name => `${at}:${name}`)
      return `    ${patterns.join(' | ')}) ${does}; return ;;`
    }),
    '  esac',
    '  case $place in',
    ...commands.map(command => {
      const [subs, options] = [command.commands.map(each => each.path.at(-1)), optionWords(command)]
      return `    ${place(command) || "''"}) if [[ $current == -* ]]; then words='${options.join(' ')}'; else words='${subs.join(' ')}'; fi ;;`
    }),
    '  esac',
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
    '}',
    // Files, where nothing else fits.
    'complete -o default -F _thymesh thymesh',
  ]
}

function zshScript(commands: readonly CommandNode[]): string[] {
  const quoted = (word: string, text: string) => `'${`${word}:${text}`.replaceAll("'", "'\\''")}'`
  const below = commands.filter(({ path }) => path.length > 0)
  return [
    '#compdef thymesh',
    '# Completion of thymesh for zsh, made by thymesh completion zsh.',
    '_thymesh() {',
    '  local place= word',
    '  local -a commands options',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    '    case "$place/$word" in',
    `      (${below.map(place).join('|')}) place="$place/$word" ;;`,
    '    esac',
    '  done',
    '  case "$place:$words[CURRENT-1]" in',
    ...withValue(commands).map(({ at, option }) => {
      const patterns = names(option).map(name => `${at}:${name}`)
      const does = option.choices.length > 0 ? `compadd -- ${option.choices.join(' ')}` : '_files'
      return `    (${patterns.join('|')}) ${does}; return ;;`
    }),
    '  esac',
    '  case "$place" in',
    ...commands.flatMap(command => [
      `    (${place(command) || "''"})`,
      `      commands=(${command.commands.map(each => quoted(each.path.at(-1) ?? '', each.description)).join(' ')})`,
      `      options=(${command.options.flatMap(option => names(option).map(name => quoted(name, option.description))).join(' ')})`,
      '      ;;',
    ]),
    '  esac',
    '  if [[ $PREFIX == -* ]]; then',
    "    _describe -o 'option' options",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    '  elif (( ${#commands} )); then',
    "    _describe 'command' commands",
    '  else',
    '    _files',
    '  fi',
    '}',
    // Autoloaded as a function of this name, or sourced.
    'if [[ $funcstack[1] == _thymesh ]]; then _thymesh "$@"; else compdef _thymesh thymesh; fi',
  ]
}

function fishScript(commands: readonly CommandNode[]): string[] {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const below = commands.filter(({ path }) => path.length > 0)
  const lines = commands.flatMap(command => {
    const at = `complete -c thymesh -n ${quoted(`__thymesh_at "${place(command)}"`)}`
    const subs = command.commands.map(
      each => `${at} -f -a ${quoted(each.path.at(-1) ?? '')} -d ${quoted(each.description)}`,
    )
    const options = command.options.map(({ short, long, description, takesValue, choices }) => {
      const name = [short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`].filter(Boolean).join(' ')
      const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : ''
      return `${at} ${name}${value} -d ${quoted(description)}`
    })
    return [...subs, ...options]
  })
  return [
    '# Completion of thymesh for fish, made by thymesh completion fish.',
    'function __thymesh_at',
    "  set -l place ''",
    '  set -l words (commandline -opc)',
    '  for word in $words[2..-1]',
    '    switch "$place/$word"',
    `      case ${below.map(command => quoted(place(command))).join(' ')}`,
    '        set place "$place/$word"',
    '    end',
    '  end',
    '  test "$place" = "$argv[1]"',
    'end',
    ...lines,
  ]
}
