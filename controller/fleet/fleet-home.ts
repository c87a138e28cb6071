/** An operator's own folder for a fleet: signing keys, the controller's state and its settings. Never in the project. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../node/files/durable-file.ts'
import { exists } from '../../node/files/missing.ts'
import { parseSettings, readSettingsFile, type Settings, type SettingsInput } from '../../node/settings/settings.ts'
import { HintedError, messageOf } from '../../protocol/errors.ts'
import type { NixSecretKey } from '../../protocol/nix/signature.ts'
import type { FleetKeys } from '../../protocol/trust/publish.ts'
import type { Passphrase } from '../keys/key-file.ts'
import { noKey, OperatorKeys } from '../keys/operator-keys.ts'
import { passphrases } from '../keys/passphrase.ts'
import { homeDirectory } from './directories.ts'

export class HomeError extends HintedError<'unreadable'> {}

/** Of a controller; a device's differ. */
const defaults: SettingsInput = { listen: ['/ip4/0.0.0.0/tcp/0'], dht: 'server', log: 'silent' }

/** The folder of one fleet. */
export class FleetHome {
  readonly directory: string
  readonly operatorKeys: OperatorKeys

  constructor(fleet: string, home = homeDirectory(), passphrase: Passphrase = passphrases.current) {
    this.directory = join(home, fleet.slice(0, 16))
    this.operatorKeys = new OperatorKeys(join(this.directory, 'keys'), passphrase)
  }

  /** Links that keep Nix from collecting what a release names; `next` for the one that is being made. */
  rootsDirectory(release: string): string {
    return join(this.directory, 'gcroots', release)
  }

  /** Its controller's state; one process at a time. */
  get stateDirectory(): string {
    return join(this.directory, 'state')
  }

  async settings(): Promise<Settings> {
    // Without its folder there is nothing of this fleet here: no file of it is the one to mend.
    if (!(await exists(this.directory))) throw noKey('root', join(this.operatorKeys.directory, 'root.key'))
    const file = join(this.directory, 'controller.json')
    // Who has restored only the keys goes on with the defaults of a controller.
    const settings = (await exists(file)) ? await this.#read(file) : {}
    return parseSettings({ ...defaults, ...settings, state: this.stateDirectory }, file)
  }

  async #read(file: string): Promise<SettingsInput> {
    return await readSettingsFile(file).catch(thrown => {
      throw new HomeError('unreadable', messageOf(thrown), {
        hint: 'Mend the file, or remove it: without it the defaults hold.',
        cause: thrown,
      })
    })
  }

  /** The Nix store to work with: the machine's for users without keys of this fleet. */
  async storeSettings(): Promise<Pick<Settings, 'store'>> {
    return (await exists(this.directory)) ? await this.settings() : {}
  }

  async writeSettings(settings: Omit<SettingsInput, 'state'>): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const text = `${JSON.stringify({ ...defaults, ...settings }, null, 2)}\n`
    await replaceFile(join(this.directory, 'controller.json'), text)
  }

  /** One key for each role; throws a KeyFileError when this machine has none of this fleet's. */
  async keys(): Promise<FleetKeys> {
    return await this.operatorKeys.forRoles()
  }

  async nixKey(): Promise<NixSecretKey> {
    return await this.operatorKeys.nixKey()
  }
}
