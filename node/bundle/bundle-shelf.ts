/** The bundles that are attached to this peer: chunks are read from them while they are here. */

import { EventEmitter } from 'node:events'
import { BundleError } from '../../protocol/bundle/bundle-error.ts'
import type { Bundle } from './bundle.ts'
import { KeptPacks } from './kept-packs.ts'
import { attachedBundles } from './limits.ts'

interface Events {
  attached: [Bundle]
  /** It is still open, but must not be read any more. */
  detached: [Bundle]
}

export class BundleShelf extends EventEmitter<Events> {
  /** Unpacked packs of a stick that was pulled out. */
  readonly packs = new KeptPacks()
  readonly #bundles = new Set<Bundle>()

  get bundles(): readonly Bundle[] {
    return [...this.#bundles]
  }

  attach(bundle: Bundle): void {
    if (this.#bundles.size >= attachedBundles) {
      throw new BundleError('too-large', `expected at most ${attachedBundles} bundles at a time, got one more`, {
        hint: 'Remove another stick first, or end another `thymesh bundle take`.',
      })
    }
    this.#bundles.add(bundle)
    this.emit('attached', bundle)
  }

  async stop(): Promise<void> {
    await this.packs.stop()
  }

  detach(bundle: Bundle): void {
    if (this.#bundles.delete(bundle)) this.emit('detached', bundle)
  }
}
