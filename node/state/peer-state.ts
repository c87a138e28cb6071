/** A peer's state on disk, opened as a unit: identity, database, counters and clock. */

import { join } from 'node:path'
import type { Settings } from '../settings/settings.ts'
import { AgeIdentities } from './age-identities.ts'
import { Clock } from './clock.ts'
import { Database } from './database.ts'
import { FleetState } from './fleet-state.ts'
import { type Identity, loadIdentity } from './identity.ts'
import { OwnState } from './own-state.ts'
import { requireKnownFormat } from './state-format.ts'
import { systemTime } from './system-time.ts'

/** An open peer state, independent of the mesh. */
export interface PeerState {
  readonly identity: Identity
  /** The age identities that secrets for this peer are encrypted to. */
  readonly age: AgeIdentities
  readonly database: Database
  readonly own: OwnState
  readonly clock: Clock
}

/** Opens a peer's state directory. */
export async function openState(settings: Pick<Settings, 'state' | 'clock' | 'imageTime'>): Promise<PeerState> {
  await requireKnownFormat(settings.state)
  const database = await Database.open(settings.state)
  try {
    const own = new OwnState(database)
    const imageTime = settings.imageTime === undefined ? undefined : new Date(settings.imageTime)
    const clock = await Clock.load(own, settings.clock, { imageTime, now: systemTime })
    const identity = await loadIdentity(join(settings.state, 'identity.key'))
    const age = await AgeIdentities.load(join(settings.state, 'age.keys'), clock.reference)
    return { identity, age, database, own, clock }
  } catch (thrown) {
    await database.close()
    throw thrown
  }
}

/** The state of its fleet that a peer accepted last, for commands that need no mesh. */
export function fleetStateOf(
  { database, clock }: Pick<PeerState, 'database' | 'clock'>,
  fleet: string,
): Promise<FleetState> {
  return FleetState.load(fleet, database, clock)
}
