/** How strictly the client workflow validates metadata: as a fleet's own, or as any TUF repository's. */

import type { Root, Snapshot, Targets, Timestamp } from '@tufjs/models'
import { limits } from '../limits.ts'
import { validateFleetMetadata } from './validate-metadata.ts'

export type RoleKind = 'root' | 'timestamp' | 'snapshot' | 'targets'

export interface TrustRules {
  readonly maxBytes: Readonly<Record<RoleKind, number>>
  /** Validates a role's content. Throws a RangeError that says what is wrong. */
  require(signed: Root | Timestamp | Snapshot | Targets): void
  /**
   * How to treat a second document of one version: as evidence of a stolen key, or as no news (specification
   * §5.4.3.1). Gossip can bring both to one peer, while a server would show each client one of them.
   */
  readonly secondOfVersion: 'evidence' | 'no-news'
  /** Whether accepted metadata expires too. A fleet's devices keep working with what they have and report its age. */
  readonly acceptedExpires: boolean
  /**
   * When a new root changes the keys of timestamp or snapshot: drop the trusted metadata (specification §5.3.11), or
   * keep it if the new root's keys have signed it. Dropping it lets any member replay older metadata to a peer.
   */
  readonly rotation: 'forget' | 'keep-signed'
  /** Which delegated roles a refresh fetches: all that the targets delegate to, or only those that a look-up visits. */
  readonly delegated: 'all' | 'looked-up'
}

/** For a fleet's own metadata: only Ed25519, one spelling of everything, all roles in step. */
export const fleetRules: TrustRules = {
  maxBytes: limits,
  require: validateFleetMetadata,
  secondOfVersion: 'evidence',
  acceptedExpires: false,
  rotation: 'keep-signed',
  delegated: 'all',
}
