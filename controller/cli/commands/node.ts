/** `thymesh node`: the daemon of a device. */

import { resolve } from 'node:path'
import { exists } from '../../../node/files/missing.ts'
import { defaultSettingsFile, systemSettingsFile } from '../../../node/settings/defaults.ts'
import { parseSettings, readSettingsFile } from '../../../node/settings/settings.ts'
import { HintedError } from '../../../protocol/errors.ts'
import { checkAddresses } from '../../project/addresses.ts'
import { readToken } from '../shell/join-token.ts'
import type { GlobalOptions } from '../shell/options.ts'

export interface NodeOptions extends GlobalOptions {
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

export async function node(options: NodeOptions): Promise<number> {
  for (const flag of ['state', 'store', 'root'] as const) {
    // It would mean the current folder.
    if (options[flag] === '')
      throw new HintedError('no-directory', `expected a directory for --${flag}, got an empty text`, {
        hint: `Name one: --${flag} DIRECTORY.`,
      })
  }
  checkAddresses(options.listen, '--listen')
  checkAddresses(options.bootstrap, '--bootstrap')
  const file = options.settings ?? defaultSettingsFile
  const fromFile = {
    ...(options.settings === undefined && (await fileIfThere(systemSettingsFile))),
    ...(options.settings === undefined ? await fileIfThere(file) : await readSettingsFile(file)),
  }
  const settings = parseSettings(
    {
      ...fromFile,
      ...(options.state !== undefined && { state: resolve(options.state) }),
      ...(options.store !== undefined && { store: resolve(options.store) }),
      ...(options.root !== undefined && { root: resolve(options.root) }),
      ...(options.listen.length > 0 && { listen: options.listen }),
      ...(options.bootstrap.length > 0 && { bootstrap: options.bootstrap }),
      ...(!options.mdns && { mdns: false }),
      ...(options.log !== undefined && { log: options.log }),
      ...(await joinOf(options, fromFile.join)),
    },
    Object.keys(fromFile).length > 0 ? file : 'settings',
  )
  // A second of loading, which what is wrong with the flags must not wait for.
  const { runDaemon } = await import('../../../node/device/daemon.ts')
  return await runDaemon(settings)
}

/** How to join, out of the flags over the file's; without a token there is nothing to join with. */
async function joinOf(options: NodeOptions, fromFile: unknown): Promise<{ join?: object }> {
  if (options.join === undefined && fromFile === undefined) return {}
  const join = {
    ...(fromFile as object | undefined),
    ...(options.join !== undefined && { token: await readToken(options.join) }),
    ...(options.name !== undefined && { name: options.name }),
    ...(options.site !== undefined && { site: options.site }),
  }
  if (!('name' in join)) {
    throw new HintedError('no-name', 'expected a name for the device that joins, got none', {
      hint: 'Add --name NAME, as in devices/NAME.json of the project.',
    })
  }
  return { join }
}

async function fileIfThere(file: string): Promise<Record<string, unknown>> {
  return (await exists(file)) ? await readSettingsFile(file) : {}
}
