/** What the reports of a device and those of a controller have in common: their counter, and how fresh the metadata is. */

import { ThymeshError } from '../../protocol/errors.ts'
import { type Freshness, highestCounter } from '../../protocol/report/report.ts'
import type { Clock } from '../state/clock.ts'
import type { OwnState } from '../state/own-state.ts'
import type { MeshPeer } from './mesh-peer.ts'

export class CounterError extends ThymeshError<'reports-used-up'> {}

/** The freshness of the metadata that this peer follows. */
export function freshnessOf(peer: Pick<MeshPeer, 'state'>, clock: Pick<Clock, 'now'>): Freshness {
  const timestamp = peer.state.accepted?.trusted.timestamp?.signed
  if (clock.now === undefined || timestamp === undefined) return 'unknown'
  return timestamp.isExpired(clock.now) ? 'expired' : 'fresh'
}

/**
 * The counter of the next report, above `after`. Throws a CounterError if none is left, which only another holder of the key can
 * cause.
 */
export async function nextCounter(
  { directory, identity, own: { certificate } }: Pick<MeshPeer, 'directory' | 'identity' | 'own'>,
  own: Pick<OwnState, 'nextReportCounter'>,
  after = 0,
): Promise<number> {
  const seen = Math.max(after, directory.report(identity.peerId)?.document.counter ?? 0)
  const counter = await own.nextReportCounter(seen, highestCounter(certificate))
  if (counter !== undefined) return counter
  throw new CounterError(
    'reports-used-up',
    'our certificate allows no more reports: another process has used our key',
    {
      hint: 'An operator renews it (`thymesh members renew`), or revokes it and lets the device join again.',
    },
  )
}
