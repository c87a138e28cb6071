/** Searches the journals of several devices, some at a time. */

import { linesWith, mayBeCut } from '../../../format/log-lines.ts'

export interface Searched {
  readonly device: string
  /** Those with the text. */
  readonly lines: readonly string[]
  /** There were more than a device tells at once: older ones were not searched. */
  readonly cut: boolean
  /** Why it was not read. */
  readonly reason: string | undefined
}

/** A browser has six connections to a host, of which the page needs some. */
const atOnce = 3

/**
 * `ask` gives the newest lines of a device, and throws where it is not reached. `told` is called with each device as it is done.
 * Ends early when the signal says so.
 */
export async function searchLogs(
  devices: readonly string[],
  ask: (device: string) => Promise<readonly string[]>,
  text: string | undefined,
  told: (searched: Searched) => void,
  signal: AbortSignal,
): Promise<void> {
  const queue = devices.values()
  const worker = async () => {
    for (const device of queue) {
      if (signal.aborted) return
      const none = { device, lines: [], cut: false }
      const searched = await ask(device).then(
        lines => ({ device, lines: linesWith(lines, text), cut: mayBeCut(lines), reason: undefined }),
        thrown => ({ ...none, reason: thrown instanceof Error ? thrown.message : String(thrown) }),
      )
      if (!signal.aborted) told(searched)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
