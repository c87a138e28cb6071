/** Secrets beside the updates of a device: installed before one, kept or taken back after it, changed where only they did. */

import { messageOf } from '../../protocol/errors.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import type { Logger } from '../process/log.ts'
import type { DeviceSecrets } from './device-secrets.ts'
import { restartReaders } from './restart.ts'

export class SecretUpdates {
  readonly #secrets: DeviceSecrets
  readonly #rooted: boolean
  readonly #log: Logger
  #restored: string[] = []

  /** `rooted` says that the device is a folder, where nothing is restarted. */
  constructor(components: { secrets: DeviceSecrets; log: Logger }, init: { rooted: boolean }) {
    this.#secrets = components.secrets
    this.#log = components.log
    this.#rooted = init.rooted
  }

  /** Gives the system that runs the secrets that a release wants for it, where it has others. Resolves to what went wrong. */
  async follow(wanted: ReleasedConfig, signal: AbortSignal): Promise<unknown> {
    try {
      if (!(await this.#secrets.differ(wanted))) return undefined
      await this.#secrets.take(wanted, signal)
      await this.#secrets.installNext()
      await this.#secrets.assignOwners().catch(async (thrown: unknown) => {
        await this.#secrets.restore()
        throw thrown
      })
      await this.settle(wanted.topLevel)
      return undefined
    } catch (thrown) {
      return thrown ?? new Error('unknown')
    }
  }

  /** Names of the config's secrets that aren't installed as the config says. */
  newIn(wanted: ReleasedConfig): Promise<string[]> {
    return this.#secrets.newIn(wanted)
  }

  /** Fetches what an update needs. Throws a SecretError, and nothing that runs was touched. */
  async take(wanted: ReleasedConfig, signal: AbortSignal): Promise<void> {
    await this.#secrets.take(wanted, signal)
  }

  async installNext(): Promise<void> {
    await this.#secrets.installNext()
  }

  /** Before the old system is brought back: its units start with its own secrets. Going back goes on without them, too. */
  async restore(): Promise<void> {
    try {
      this.#restored.push(...(await this.#secrets.restore()))
    } catch (thrown) {
      this.#log.error({ reason: messageOf(thrown) }, "the old system's secrets could not be installed")
    }
  }

  /** After an update, by what runs: the new ones stay, or the old ones come back. Units then read what is there. */
  async settle(running: string | undefined): Promise<void> {
    const changed = [...new Set([...this.#restored, ...(await this.#secrets.settle(running))])]
    this.#restored = []
    if (changed.length === 0) return
    const units = this.#rooted ? [] : await restartReaders(changed)
    this.#log.info({ secrets: changed, units }, 'secrets have changed')
  }
}
