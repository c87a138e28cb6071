/** One peer as a source of metadata; the caller verifies everything it sends. */

import type { PeerId } from '@libp2p/interface'
import { fromHex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import type { Head } from '../../../protocol/messages/messages.ts'
import { fleetIdOf } from '../../../protocol/trust/fleet.ts'
import type { MetadataFetcher } from '../../../protocol/trust/refresh.ts'
import { type TrustedSet, trustRoot } from '../../../protocol/trust/trusted-set.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { DocumentError, type Documents } from './documents.ts'

type Source = Pick<Documents, 'ask' | 'fetch'>

/** If the peer's head is known already, the timestamp isn't requested again. */
export function metadataFrom(documents: Source, peer: PeerId, signal: AbortSignal, head?: Head): MetadataFetcher {
  const byHash = (hash: string | undefined) => {
    if (hash === undefined) throw new DocumentError('not-found', 'expected metadata to be named by its SHA-256')
    return documents.fetch(fromHex(hash), peer, signal)
  }
  return {
    root: async version => {
      if (head !== undefined && version > head.root) return undefined
      return await documents.ask(peer, { root: version }, limits.root, signal)
    },
    timestamp: async () => {
      if (head !== undefined) return head.timestamp
      const bytes = await documents.ask(peer, { head: true }, limits.timestamp, signal)
      if (bytes === undefined) throw new DocumentError('not-found', `${peer} has no timestamp`)
      return bytes
    },
    snapshot: meta => byHash(meta.hashes?.sha256),
    targets: (_role, meta) => byHash(meta.hashes?.sha256),
  }
}

/** A joining device knows its fleet's ID, the hash of the first root, so any peer may supply that root. */
export async function fetchFirstRoot(
  documents: Source,
  state: FleetState,
  peer: PeerId,
  signal: AbortSignal,
): Promise<TrustedSet> {
  const bytes = await documents.ask(peer, { root: 1 }, limits.root, signal)
  if (bytes === undefined) throw new DocumentError('not-found', `${peer} has no root of this fleet`)
  if (fleetIdOf(bytes) !== state.fleet) {
    throw new DocumentError(
      'wrong-hash',
      `expected the first root of fleet ${state.fleet.slice(0, 12)}, got another one`,
    )
  }
  const trusted = trustRoot(bytes)
  await state.keepRoot(trusted)
  return trusted
}
