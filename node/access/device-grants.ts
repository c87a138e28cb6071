/** The grants that count on this device now: they change with the accepted metadata and with time. */

import type { Certificate } from '../../protocol/members/certificate.ts'
import { grantsFor, type KeyRights, rightsOf } from '../../protocol/release/access.ts'
import type { Clock } from '../state/clock.ts'
import type { AcceptedState, FleetState } from '../state/fleet-state.ts'

export interface DeviceGrantsComponents {
  state: Pick<FleetState, 'accepted' | 'on' | 'off'>
  /** This device's certificate, whose name and site count. */
  own: { readonly certificate: Pick<Certificate, 'name' | 'site'> }
  clock: Pick<Clock, 'now'>
}

export class DeviceGrants {
  readonly #components: DeviceGrantsComponents

  constructor(components: DeviceGrantsComponents) {
    this.#components = components
  }

  /** What each key may do as this user. */
  rights(user: string): Map<string, KeyRights> {
    const { state, own, clock } = this.#components
    if (state.accepted === undefined) return new Map()
    const { name, site } = own.certificate
    return rightsOf(grantsFor(state.accepted, { name, site }, clock.now), user)
  }

  /** Whether anybody may look at screens of this device now. */
  get showsScreens(): boolean {
    const { state, own, clock } = this.#components
    if (state.accepted === undefined) return false
    const { name, site } = own.certificate
    const grants = grantsFor(state.accepted, { name, site }, clock.now)
    return grants.some(({ may }) => may.includes('screen') || may.includes('screen:control'))
  }

  /** Calls back when the accepted metadata changes; gives a function that ends it. */
  onChange(listener: () => void): () => void {
    const changed = (_: AcceptedState) => listener()
    this.#components.state.on('changed', changed)
    return () => void this.#components.state.off('changed', changed)
  }
}
