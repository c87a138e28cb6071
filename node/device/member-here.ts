/** The membership with which a daemon starts; a machine that is no device says that its boot is good all the same. */

import { runDirectory } from '../activation/systemd-system.ts'
import { JoinError, type Membership, membershipOf } from '../peer/membership.ts'
import { defaultStateDirectory } from '../settings/defaults.ts'
import type { Settings } from '../settings/settings.ts'
import type { PeerState } from '../state/peer-state.ts'
import { callBootGood } from './good-boot.ts'

/** Where the machine's own daemon has its state, and what is cleared at each boot. */
export interface MachinePlace {
  readonly state: string
  readonly run: string
}

/** Throws a JoinError. */
export async function memberHere(
  state: PeerState,
  settings: Settings,
  machine: MachinePlace = { state: defaultStateDirectory, run: runDirectory },
): Promise<Membership> {
  try {
    return await membershipOf(state, settings)
  } catch (thrown) {
    const isNone = thrown instanceof JoinError && thrown.code === 'no-token'
    if (isNone && settings.root === undefined && settings.state === machine.state) {
      await callBootGood(settings.state, machine.run)
    }
    throw thrown
  }
}
