/** The newest snapshot that a device has taken of its screens, for the page: asked of the device, and kept for later. */

import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { userSchema } from '../../protocol/release/access.ts'
import { optionsOf } from '../api/request.ts'
import type { ShownSnapshots } from '../api/schemas/snapshots.ts'
import { shownSnapshot } from '../queries/snapshots.ts'
import { deviceNamed } from '../session/reach.ts'
import type { Session } from '../session/session.ts'
import type { Screens } from '../ssh/screens.ts'
import type { KeyLocks } from './unlock.ts'

const placeSchema = z.strictObject({ device: z.string().min(1).max(200), user: userSchema })

export interface SnapshotRoute {
  readonly session: Pick<Session, 'peer'>
  readonly screens: Pick<Screens, 'snapshot'>
  readonly locks: Pick<KeyLocks, 'use'>
  /** The page's session of a request. Throws where there is none. */
  readonly owner: (context: Context) => string
}

/** Takes unlocked keys, as each view of a screen. */
export function routeSnapshots(app: Hono, { session: { peer }, screens, locks, owner }: SnapshotRoute): void {
  app.get('/page/snapshot', async context => {
    locks.use(owner(context))
    const place = placeSchema.parse(optionsOf(context, placeSchema))
    const found = await screens.snapshot(place)
    const snapshots = []
    if (found?.png !== undefined) {
      const { screen, taken, png } = found
      const carried = { screen, ...(taken !== undefined && { taken }), png }
      await peer.keepSnapshots(deviceNamed(peer, place.device).peer, [carried])
      snapshots.push(shownSnapshot(carried))
    }
    const answer: ShownSnapshots = { device: place.device, source: 'device', snapshots }
    return context.json(answer)
  })
}
