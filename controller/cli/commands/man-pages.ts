/** `thymesh man-pages`: writes a manual page for each command, made of the commands themselves. Packages have them. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { allCommands, type CommandNode, commandTree } from '../shell/command-tree.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { print } from '../shell/output.ts'

export interface ManPagesOptions extends GlobalOptions {
  directory: string
  program: Command
}

export async function manPages({ directory, program, ...options }: ManPagesOptions): Promise<undefined> {
  await mkdir(directory, { recursive: true })
  const version = program.version() ?? ''
  const written: string[] = []
  for (const command of allCommands(commandTree(program))) {
    const file = `${nameOf(command)}.1`
    await writeFile(join(directory, file), page(command, version))
    written.push(file)
  }
  print(options, { written }, `Wrote ${written.length} pages to ${directory}.`)
  return undefined
}

function nameOf({ path }: CommandNode): string {
  return ['thymesh', ...path].join('-')
}

/** Text of roff: nothing of it is a request or an escape, and hyphens are those of the keyboard. */
function text(words: string): string {
  const escaped = words.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...')
  return escaped.replace(/^(?=[.'])/gm, '\\&')
}

function page(command: CommandNode, version: string): string {
  const { description, usage, options, arguments: taken, commands, path } = command
  const name = nameOf(command)
  const summary = (description.split(/(?<=\.) /)[0] ?? '').replace(/\.$/, '')
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "Thymesh ${version}" "Thymesh"`,
    '.SH NAME',
    `${text(name)} \\- ${text(summary)}`,
    '.SH SYNOPSIS',
    `.B ${text(usage)}`,
    '.SH DESCRIPTION',
    text(description),
  ]
  const entries = (title: string, list: readonly { term: string; about: string }[]) => {
    if (list.length === 0) return
    lines.push(`.SH ${title}`)
    for (const { term, about } of list) lines.push('.TP', `.B ${text(term)}`, text(about) || '\\&')
  }
  entries(
    'ARGUMENTS',
    taken.map(({ name: term, description: about }) => ({ term, about })),
  )
  entries(
    'COMMANDS',
    commands.map(each => ({ term: [...each.path].join(' '), about: `${each.description} See ${nameOf(each)}(1).` })),
  )
  entries(
    'OPTIONS',
    options.map(({ flags: term, description: about }) => ({ term, about })),
  )
  if (path.length === 0) {
    entries('ENVIRONMENT', [
      { term: 'THYMESH_HOME', about: 'The folder of keys and fleets (default: ~/.local/share/thymesh).' },
      { term: 'THYMESH_PASSPHRASE', about: 'The passphrase of your signing keys, for scripts.' },
    ])
    entries('FILES', [
      { term: '/etc/thymesh/node.json', about: "The daemon's settings." },
      { term: '/var/lib/thymesh', about: "The daemon's state: its identity, documents and reports." },
    ])
  }
  entries('EXIT STATUS', [
    { term: '0', about: 'Done.' },
    { term: '1', about: 'Failed, and the message says why.' },
    { term: '64', about: 'The command line is wrong.' },
  ])
  const above = path.length === 0 ? [] : [nameOf({ ...command, path: path.slice(0, -1) })]
  const others = [...above, ...commands.map(nameOf)]
  lines.push('.SH SEE ALSO', others.map(other => `.BR ${text(other)} (1)`).join(',\n') || text('systemd(1)'))
  return `${lines.join('\n')}\n`
}
