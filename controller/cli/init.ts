/** `thymesh init`: founds a fleet. */

import { userInfo } from 'node:os'
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { ThymeshError } from '../../protocol/errors.ts'
import { nameSchema } from '../../protocol/fields.ts'
import { found } from '../found.ts'
import { collect, command, type GlobalOptions, print, run } from './context.ts'

interface Options extends GlobalOptions {
  name?: string
  operator?: string
  listen: string[]
  bootstrap: string[]
  mdns: boolean
}

export function initCommand(): Command {
  return command('init', 'Found a fleet: signing keys for you, and a project that declares its devices.')
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
    .action((directory: string, options: Options) => run(options, () => init(directory, options)))
}

async function init(directory: string, options: Options): Promise<undefined> {
  const name = checkedName(options.name ?? nameFrom(basename(resolve(directory))), '--name')
  const operator = checkedName(options.operator ?? nameFrom(userInfo().username), '--operator')
  const founded = await found({
    directory,
    name,
    operator,
    bootstrap: options.bootstrap,
    settings: {
      mdns: options.mdns,
      ...(options.listen.length > 0 && { listen: options.listen }),
    },
  })
  print(
    options,
    founded,
    [
      `Fleet ${name} is founded: ${founded.fleet}`,
      `  project  ${founded.directory} (${founded.written.join(', ')})`,
      `  keys     ${founded.home}/keys: keep a copy where it can't be lost or read; nobody can replace them`,
      '',
      'Next: make a join token (thymesh token), start a device with it (thymesh node --join TOKEN --name first),',
      'and give it its config (thymesh deploy).',
    ].join('\n'),
  )
  return undefined
}

function checkedName(name: string, option: string): string {
  const parsed = nameSchema.safeParse(name)
  if (parsed.success) return parsed.data
  throw new ThymeshError('invalid-name', `${option}: ${parsed.error.issues[0]?.message}, got ${JSON.stringify(name)}`)
}

/** A folder's or user's name as a fleet can have it. */
function nameFrom(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name.slice(0, 63) || 'fleet'
}
