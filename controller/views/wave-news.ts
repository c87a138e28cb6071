/** What a watched rollout says about its waves: a line when one begins to wait, is held, or has confirmed. */

import type { WaveStatus } from '../api/schemas/rollout.ts'

export class WaveNews {
  readonly #told = new Map<number, string>()

  /** What is new since the last call; nothing for a release without waves. */
  lines(waves: readonly WaveStatus[]): string[] {
    return waves.flatMap(wave => {
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
