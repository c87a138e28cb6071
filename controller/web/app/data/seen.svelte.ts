/** What states are judged by: the time, whether the controller is heard, and who is connected to it. */

import { clock } from '../base/clock.svelte.ts'
import type { Seen } from './device-state.ts'
import { fleet } from './fleet.svelte.ts'
import { session } from './session.svelte.ts'

const peers = $derived(new Set(fleet.about?.peers))
const seen: Seen = $derived({ now: clock.now, live: session.link.state === 'live', peers })

export function seenNow(): Seen {
  return seen
}
