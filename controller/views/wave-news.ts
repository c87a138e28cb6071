/** The lines that a watched rollout prints about its waves: when one begins to wait, is held, or has confirmed. */

import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import type { Release } from '../../protocol/release/release.ts'
import { type WaveStatus, waveStatuses } from '../queries/waves.ts'

export class WaveNews {
  readonly #peer: ControllerPeer
  readonly #release: Release
  readonly #told = new Map<number, string>()

  constructor(peer: ControllerPeer, release: Release) {
    this.#peer = peer
    this.#release = release
  }

  /** The news since the last call; none for a release without waves. */
  lines(): string[] {
    if (this.#release.rollout === undefined) return []
    return waveStatuses(this.#peer, this.#release).flatMap(wave => {
      // Times go down all the while, which is no news.
      const gist = `${wave.state} ${wave.reason?.replace(/ends in .*/, '')}`
      if (this.#told.get(wave.wave) === gist) return []
      this.#told.set(wave.wave, gist)
      return lineOf(wave)
    })
  }
}

function lineOf({ wave, state, reason, confirmed, devices }: WaveStatus): string[] {
  switch (state) {
    case 'waiting':
      return [`wave ${wave} waits: ${reason}`]
    case 'held':
      return [`wave ${wave} is held: ${reason}`]
    case 'confirmed':
      return [`wave ${wave} has confirmed: ${confirmed} of ${devices.length}`]
    default:
      return []
  }
}
