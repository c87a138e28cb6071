/** A way in a few words: `direct`, `punched`, `by hub-1`. */

import type { WayView } from '../../node/mesh/relay/network-view.ts'

export function wayText({ kind, hub }: WayView): string {
  return kind === 'relayed' ? `by ${hub ?? 'a hub'}` : kind
}
