/** What states are judged by: the time, whether the controller is heard, and who is connected to it. */

import { clock } from '../base/clock.svelte.ts'
import type { Seen } from './device-state.ts'
import { fleet } from './fleet.svelte.ts'
import { session } from './session.svelte.ts'

/** An answer of the controller is as good as its stream, which begins after it; for so long, where none comes. */
const answeredMs = 40_000

const live = $derived(
  session.link.state === 'live' ||
    (session.link.state === 'connecting' && Math.abs(clock.browser - fleet.loadedAt) < answeredMs),
)
const peers = $derived(new Set(fleet.about?.peers))
const seen: Seen = $derived({ now: clock.now, live, peers })

export function seenNow(): Seen {
  return seen
}
