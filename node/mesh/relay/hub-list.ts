/** The hubs that there are: the members with the role relay that the release names, or all of them if it names none. */

import type { Member } from '../../../protocol/members/certificate.ts'
import { type Hubs, hubsOf } from '../../../protocol/release/hubs.ts'
import type { Release } from '../../../protocol/release/release.ts'

export interface HubListComponents {
  directory: {
    members(): readonly Member[]
    on(event: 'certificate' | 'forgotten', listener: () => void): unknown
  }
  state: {
    readonly accepted: { readonly release: Release } | undefined
    on(event: 'changed', listener: () => void): unknown
  }
}

export class HubList {
  readonly #components: HubListComponents
  #peers: ReadonlyMap<string, readonly string[]> | undefined

  constructor(components: HubListComponents) {
    this.#components = components
    const forget = () => {
      this.#peers = undefined
    }
    components.directory.on('certificate', forget)
    components.directory.on('forgotten', forget)
    components.state.on('changed', forget)
  }

  get peers(): readonly string[] {
    return [...this.#all.keys()]
  }

  has(peer: string): boolean {
    return this.#all.has(peer)
  }

  /** Addresses that the release names for a hub. */
  addresses(peer: string): readonly string[] {
    return this.#all.get(peer) ?? []
  }

  get #all(): ReadonlyMap<string, readonly string[]> {
    this.#peers ??= this.#find()
    return this.#peers
  }

  #find(): ReadonlyMap<string, readonly string[]> {
    const { directory, state } = this.#components
    const named: Hubs | undefined = state.accepted && hubsOf(state.accepted.release)
    // Without names, those that the members role has signed: a join token alone makes nobody a hub.
    const isHub = ({ name, grant }: Member) => (named === undefined ? grant === undefined : Object.hasOwn(named, name))
    const chosen = directory.members().filter(each => each.role === 'relay' && isHub(each))
    return new Map(chosen.map(({ peer, name }) => [peer, named?.[name] ?? []]))
  }
}
