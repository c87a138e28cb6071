/** How strictly the client workflow reads and judges metadata: as a fleet's own, or as that of any TUF repository. */

import type { Root, Snapshot, Targets, Timestamp } from '@tufjs/models'
import { limits } from '../limits.ts'
import { validateFleetMetadata } from './validate-metadata.ts'

export type RoleKind = 'root' | 'timestamp' | 'snapshot' | 'targets'

export interface TrustRules {
  readonly maxBytes: Readonly<Record<RoleKind, number>>
  /** Throws a RangeError that says what is wrong with a role's content. */
  require(signed: Root | Timestamp | Snapshot | Targets): void
  /**
   * What a second document of one version is: evidence of a stolen key, or no news (specification §5.4.3.1). Gossip can
   * bring both to one peer, where a server would show each client one of them.
   */
  readonly secondOfVersion: 'evidence' | 'no-news'
  /** Whether what was accepted before expires too. A fleet's devices go on with what they have, and say how old it is. */
  readonly acceptedExpires: boolean
  /**
   * When a new root changes the keys of timestamp or snapshot: forget what was trusted (specification §5.3.11), or keep it as
   * long as the new root's keys have signed it. Forgetting lets any member replay older metadata to a peer.
   */
  readonly rotation: 'forget' | 'keep-signed'
  /** Whether a refresh fetches every role that the targets delegate to, or a look-up those that it passes. */
  readonly delegated: 'all' | 'looked-up'
}

/** For a fleet's own metadata: Ed25519 only, one spelling of everything, all roles in step. */
export const fleetRules: TrustRules = {
  maxBytes: limits,
  require: validateFleetMetadata,
  secondOfVersion: 'evidence',
  acceptedExpires: false,
  rotation: 'keep-signed',
  delegated: 'all',
}
