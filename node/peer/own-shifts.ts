/** The shifts between the closures of a new release and those that devices run, out of this machine's store. */

import { closureCodec, type DescribedPath } from '../../protocol/closure/closure.ts'
import { type CID, hashOfCid } from '../../protocol/encoding/cid.ts'
import type { FleetState } from '../state/fleet-state.ts'
import { releasedClosures } from '../state/released-closures.ts'
import type { ShiftMaker, ShiftProgress } from '../swarm/delta/make-shifts.ts'
import { comparedClosures } from './limits.ts'

export interface OwnShiftsInit {
  readonly onProgress?: ShiftProgress
  readonly signal?: AbortSignal
}

/**
 * Keeps the document of shifts to these closures from those of these top levels, the most important ones first; returns its SHA-256
 * in hex, undefined if there is nothing to tell. Throws what reading the database throws.
 */
export async function ownShifts(
  { state, maker }: { state: FleetState; maker: ShiftMaker },
  wanted: readonly CID[],
  running: readonly string[],
  init: OwnShiftsInit,
): Promise<string | undefined> {
  const released = await releasedClosures(state, topLevel => running.includes(topLevel))
  const old = [...new Set(running)].flatMap(topLevel => released.get(topLevel) ?? []).slice(0, comparedClosures)
  const pathsOf = async (hash: Uint8Array): Promise<readonly DescribedPath[]> => {
    const bytes = await state.document(hash)
    try {
      return bytes === undefined ? [] : closureCodec.decode(bytes).paths
    } catch {
      // As a newer version may have written it: there are no shifts of it then.
      return []
    }
  }
  const held = await Promise.all(old.map(pathsOf))
  const fresh = await Promise.all(wanted.map(cid => pathsOf(hashOfCid(cid))))
  return await maker.make(held, fresh.flat(), init)
}
