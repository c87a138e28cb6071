/** Tests of the contract of --json: every command has a schema, and every schema a command. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { it } from 'node:test'
import type { Command } from 'commander'
import { commandSchemas } from '../api/schemas/commands.ts'
import { type CommandGroup, Shell } from './shell/shell.ts'

/** They print nothing: a daemon's log is its own, secrets are laid before anybody listens, units say what they do, and scp speaks for itself. */
const silent = ['node', 'lay-secrets', 'guest', 'cp']
const groups = new URL('groups/', import.meta.url)

it('every command that prints JSON has its schema', async () => {
  const shell = new Shell({ json: false, ended: () => {} })
  for (const file of await readdir(groups)) {
    const exported: Record<string, CommandGroup> = await import(new URL(file, groups).href)
    for (const group of Object.values(exported)) group(shell)
  }
  const named = (command: Command, above: string): string[] => {
    const name = `${above} ${command.name()}`.trim()
    const own = command.options.some(({ long }) => long === '--json') ? [name] : []
    return [...own, ...command.commands.flatMap(each => named(each, name))]
  }
  const names = shell.program.commands.flatMap(command => named(command, ''))
  assert.deepEqual(names.filter(name => !silent.includes(name)).sort(), Object.keys(commandSchemas).sort())
})
