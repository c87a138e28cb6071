/** Snapshots of screens that outboxes have brought, or that were asked for: the newest of each device and screen. */

import { limits } from '../../protocol/limits.ts'
import { type CarriedSnapshot, carriedSnapshotsCodec } from '../../protocol/messages/snapshots.ts'
import type { Table } from '../state/database.ts'

export class CarriedSnapshots {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** Keeps them, unless newer ones of the same screens are here. One without a time counts as newer than what was here. */
  async keep(peer: string, snapshots: readonly CarriedSnapshot[]): Promise<void> {
    const before = await this.of(peer)
    const newer = snapshots.filter(({ screen, taken }) => {
      const old = before.find(each => each.screen === screen)
      return old?.taken === undefined || taken === undefined || taken >= old.taken
    })
    if (newer.length === 0) return
    const others = before.filter(({ screen }) => newer.every(each => each.screen !== screen))
    const kept = [...newer, ...others].slice(0, limits.snapshotScreens)
    await this.#table.put(peer, carriedSnapshotsCodec.encode({ v: 1, snapshots: kept }))
  }

  async of(peer: string): Promise<readonly CarriedSnapshot[]> {
    const bytes = await this.#table.get(peer)
    return bytes === undefined ? [] : carriedSnapshotsCodec.decode(bytes).snapshots
  }
}
