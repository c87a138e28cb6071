/** `thymesh node`: the daemon of a device. */

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parseJoinToken } from '../../protocol/join-token.ts'
import { collect, command, type GlobalOptions, run } from './context.ts'

interface Options extends GlobalOptions {
  settings?: string
  join?: string
  name?: string
  site?: string
  state?: string
  store?: string
  root?: string
  listen: string[]
  bootstrap: string[]
  mdns: boolean
}

export function nodeCommand(): Command {
  return command('node', 'Run the daemon of a device. Flags stand over the settings file.')
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
    .action((options: Options) => run(options, () => node(options)))
}

async function node(options: Options): Promise<number> {
  // Loaded here, so that the other commands don't wait for it.
  const { defaultSettingsFile } = await import('../../node/defaults.ts')
  const { parseSettings, readSettingsFile } = await import('../../node/settings.ts')
  const { runDaemon } = await import('../../node/daemon.ts')
  const file = options.settings ?? defaultSettingsFile
  const fromFile = options.settings !== undefined || (await exists(file)) ? await readSettingsFile(file) : {}
  const join =
    options.join === undefined && options.name === undefined
      ? {}
      : {
          join: {
            ...(fromFile.join as object | undefined),
            ...(options.join !== undefined && { token: await tokenText(options.join) }),
            ...(options.name !== undefined && { name: options.name }),
            ...(options.site !== undefined && { site: options.site }),
          },
        }
  const settings = parseSettings(
    {
      ...fromFile,
      ...(options.state !== undefined && { state: options.state }),
      ...(options.store !== undefined && { store: options.store }),
      ...(options.root !== undefined && { root: options.root }),
      ...(options.listen.length > 0 && { listen: options.listen }),
      ...(options.bootstrap.length > 0 && { bootstrap: options.bootstrap }),
      ...(!options.mdns && { mdns: false }),
      ...(options.log !== undefined && { log: options.log }),
      ...join,
    },
    options.settings ?? 'settings',
  )
  return await runDaemon(settings)
}

/** A token, or what is in the file of that name; checked here, so that a typing error is found at once. */
async function tokenText(argument: string): Promise<string> {
  const text = (await exists(argument)) ? await readFile(argument, 'utf8') : argument
  parseJoinToken(text)
  return text.trim()
}

function exists(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  )
}
