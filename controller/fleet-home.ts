/** An operator's own folder for a fleet: signing keys, the controller's state and its settings. Never in the project. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseSettings, readSettingsFile, type Settings, type SettingsInput } from '../node/settings.ts'
import { readSeed, writeSeed } from '../node/state/identity.ts'
import { messageOf, ThymeshError } from '../protocol/errors.ts'
import { newSeed, signerOf } from '../protocol/keys.ts'
import {
  formatNixSecretKey,
  generateNixSecretKey,
  type NixSecretKey,
  parseNixSecretKey,
} from '../protocol/nix/signature.ts'
import type { FleetKeys } from '../protocol/trust/publish.ts'

export class HomeError extends ThymeshError<'no-keys' | 'unreadable'> {}

const roles = ['root', 'targets', 'snapshot', 'timestamp', 'members'] as const

/** Where an operator's fleets are: `$THYMESH_HOME`, else the user's data folder. */
export function homeDirectory(): string {
  if (process.env.THYMESH_HOME) return process.env.THYMESH_HOME
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'thymesh')
}

/** The folder of one fleet. */
export class FleetHome {
  readonly directory: string

  constructor(fleet: string, home = homeDirectory()) {
    this.directory = join(home, fleet.slice(0, 16))
  }

  /** Links that keep Nix from collecting what a release names; `next` for the one that is being made. */
  rootsDirectory(release: string): string {
    return join(this.directory, 'gcroots', release)
  }

  async settings(): Promise<Settings> {
    const file = join(this.directory, 'controller.json')
    const settings = await readSettingsFile(file).catch(thrown => {
      throw new HomeError('unreadable', messageOf(thrown), {
        hint: 'Restore the file; {} stands for the defaults.',
        cause: thrown,
      })
    })
    return parseSettings({ ...settings, state: join(this.directory, 'state') }, file)
  }

  async writeSettings(settings: Omit<SettingsInput, 'state'>): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const defaults: SettingsInput = { listen: ['/ip4/0.0.0.0/tcp/0'], dht: 'server', log: 'silent' }
    await writeFile(
      join(this.directory, 'controller.json'),
      `${JSON.stringify({ ...defaults, ...settings }, null, 2)}\n`,
      { mode: 0o600 },
    )
  }

  /** The keys that sign releases and members; throws a HomeError when this machine has none of this fleet. */
  async keys(): Promise<FleetKeys> {
    const signers = await Promise.all(
      roles.map(async role => {
        try {
          return [role, signerOf(await readSeed(this.#keyFile(role)))] as const
        } catch (thrown) {
          throw noKey(role, this.#keyFile(role), thrown)
        }
      }),
    )
    return Object.fromEntries(signers) as unknown as FleetKeys
  }

  async nixKey(): Promise<NixSecretKey> {
    let text: string
    try {
      text = await readFile(this.#keyFile('nix'), 'utf8')
    } catch (thrown) {
      throw noKey('nix', this.#keyFile('nix'), thrown)
    }
    return parseNixSecretKey(text.trim())
  }

  /** Writes new keys; fails rather than to replace one. */
  async writeKeys(keys: NewKeys): Promise<void> {
    await mkdir(join(this.directory, 'keys'), { recursive: true, mode: 0o700 })
    for (const role of roles) await writeSeed(this.#keyFile(role), keys.seeds[role])
    await writeFile(this.#keyFile('nix'), `${formatNixSecretKey(keys.nix)}\n`, { mode: 0o600, flag: 'wx' })
  }

  #keyFile(role: string): string {
    return join(this.directory, 'keys', `${role}.key`)
  }
}

/** Keys of a fleet that is being founded. */
export interface NewKeys {
  readonly seeds: Record<(typeof roles)[number], Uint8Array>
  readonly nix: NixSecretKey
}

export function newKeys(fleetName: string): NewKeys {
  return {
    seeds: { root: newSeed(), targets: newSeed(), snapshot: newSeed(), timestamp: newSeed(), members: newSeed() },
    nix: generateNixSecretKey(`${fleetName}-1`),
  }
}

export function signersOf({ seeds }: NewKeys): FleetKeys {
  return {
    root: signerOf(seeds.root),
    targets: signerOf(seeds.targets),
    snapshot: signerOf(seeds.snapshot),
    timestamp: signerOf(seeds.timestamp),
    members: signerOf(seeds.members),
  }
}

function noKey(role: string, file: string, thrown: unknown): ThymeshError {
  if (thrown instanceof ThymeshError) return thrown
  const isMissing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
  const message = isMissing ? `expected the fleet's ${role} key in ${file}, found none` : messageOf(thrown)
  return new HomeError('no-keys', message, {
    hint: 'Run it where `thymesh init` was run, or set THYMESH_HOME to the folder with the keys.',
    cause: thrown,
  })
}
