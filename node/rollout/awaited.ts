/** Whether devices judge others by their silence now: what is heard of those is in a hurry then. */

import type { Release } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import type { AcceptedState, FleetState } from '../state/fleet-state.ts'
import { inForce, releasesOf } from '../state/releases.ts'
import { newsOf } from './news.ts'

type Known = Pick<Directory, 'members' | 'member'>

/** Whether devices of a release go on alone where they hear nothing, and not all that we know of have ended with it. */
export function awaitsDevices(release: Release, accepted: AcceptedState | undefined, directory: Known): boolean {
  const { isolated = rolloutDefaults.isolated } = release.rollout ?? {}
  if (isolated === 'wait') return false
  const members = directory.members()
  const known = (peer: string) => ({ report: directory.member(peer)?.report })
  return newsOf(inForce(release, accepted, members), members, known)
    .values()
    .some(({ outcome }) => outcome === 'pending')
}

/** Looking at all devices takes milliseconds, and reports come often. */
const rememberedMs = 10_000

/** The same of any accepted release: looked at anew when another one is accepted, and now and then. */
export class AwaitedDevices {
  readonly #components: { readonly state: Pick<FleetState, 'accepted'>; readonly directory: Known }
  #last: { readonly accepted: AcceptedState | undefined; readonly at: number; readonly isSo: boolean } | undefined

  constructor(components: { state: Pick<FleetState, 'accepted'>; directory: Known }) {
    this.#components = components
  }

  get areAny(): boolean {
    const { state, directory } = this.#components
    const { accepted } = state
    const now = performance.now()
    const last = this.#last
    if (last !== undefined && last.accepted === accepted && now - last.at < rememberedMs) return last.isSo
    const isSo = releasesOf(accepted).some(release => awaitsDevices(release, accepted, directory))
    this.#last = { accepted, at: now, isSo }
    return isSo
  }
}
