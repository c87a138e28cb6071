/** Fetches the descriptors of all configs of the newest releases: the loopback cache serves the paths of each of them. */

import { messageOf } from '../../../protocol/errors.ts'
import type { Logger } from '../../process/log.ts'
import { descriptorsRetryMs, descriptorsWaitMs } from '../limits.ts'
import type { Closures } from './closures.ts'

export class ReleasedDescriptors {
  readonly #closures: Pick<Closures, 'describeReleased'>
  readonly #log: Pick<Logger, 'debug'>
  #underWay: Promise<void> | undefined
  #notBefore = 0

  constructor({ closures, log }: { closures: Pick<Closures, 'describeReleased'>; log: Pick<Logger, 'debug'> }) {
    this.#closures = closures
    this.#log = log
  }

  /**
   * Resolves when all descriptors are here, or when waiting for them is no use: nobody has sent one for a while, or none came
   * a moment ago. It never rejects: what is here can be looked up.
   */
  async complete(): Promise<void> {
    if (Date.now() < this.#notBefore) return
    this.#underWay ??= this.#fetch().finally(() => {
      this.#underWay = undefined
    })
    await this.#underWay
  }

  async #fetch(): Promise<void> {
    try {
      await this.#closures.describeReleased(AbortSignal.timeout(descriptorsWaitMs))
    } catch (thrown) {
      this.#notBefore = Date.now() + descriptorsRetryMs
      this.#log.debug({ reason: messageOf(thrown) }, 'not all descriptors of the newest releases came')
    }
  }
}
