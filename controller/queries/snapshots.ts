/** Snapshots of a device's screens that are here already: an outbox has brought them, or the page has asked for them. */

import { sha256Hex } from '../../protocol/encoding/hash.ts'
import { HintedError } from '../../protocol/errors.ts'
import type { CarriedSnapshot } from '../../protocol/messages/snapshots.ts'
import type { ShownSnapshots } from '../api/schemas/snapshots.ts'
import { deviceNamed } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import { queryAccess } from './access.ts'

type Shown = ShownSnapshots['snapshots'][number]

/** Throws a HintedError where no grant for a screen counts on the device, and a ReachError for an unknown one. */
export async function querySnapshots(session: Session, { device }: { device: string }): Promise<ShownSnapshots> {
  const { peer } = deviceNamed(session.peer, device)
  const { grants } = await queryAccess(session)
  const shows = grants.some(({ may, counts, expired }) => {
    return !expired && counts.includes(device) && (may.includes('screen') || may.includes('screen:control'))
  })
  if (!shows) {
    throw new HintedError('not-granted', `no grant lets anybody see a screen of ${device}`, {
      hint: `Give one: thymesh access grant NAME --device ${device} --may screen`,
    })
  }
  const carried = await session.peer.carriedSnapshots(peer)
  return { device, source: 'kept', snapshots: carried.map(shownSnapshot).sort(byTime) }
}

export function shownSnapshot({ screen, taken, png }: CarriedSnapshot): Shown {
  const about = { screen, taken: taken ?? null, sha256: sha256Hex(png), bytes: png.length }
  return { ...about, png: Buffer.from(png).toString('base64') }
}

function byTime({ taken: one }: Shown, { taken: other }: Shown): number {
  return (other ?? '') < (one ?? '') ? -1 : 1
}
