/** Asks a peer for all documents that its head names at once: each request would cost a turn over the line. */

import type { PeerId } from '@libp2p/interface'
import { sha256, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { type Head, namedDocumentsCodec } from '../../../protocol/messages/messages.ts'
import { type Attempt, hedge } from '../../concurrency/hedge.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { namedDocuments } from '../../state/named-documents.ts'
import { hedgeMs, slowestBytesPerMs } from '../limits.ts'
import type { Documents } from './documents.ts'
import { prefixesOf } from './named-documents.ts'

type Source = Pick<Documents, 'ask' | 'fetch'>

/**
 * A source that has asked the peer for all documents of its head at once, and asks for single ones where they didn't come: the peer
 * may be of the version before, or be late. What came is looked up by its hash, so it is what was named or nothing.
 */
export async function withNamed<T extends Source>(
  source: T,
  state: Pick<FleetState, 'accepted'>,
  { peer, head, signal }: { peer: PeerId; head: Head; signal: AbortSignal },
): Promise<Source> {
  const without = prefixesOf(namedDocuments(state.accepted?.trusted))
  const request = { named: sha256(head.timestamp), without }
  const askOne = async (from: PeerId | null, { signal: asked, progress }: Attempt) => {
    if (from === null) return []
    const bytes = await source.ask(from, request, limits.namedDocumentsBytes, asked, progress)
    return bytes && namedDocumentsCodec.decode(bytes).documents
  }
  const patience = { silentMs: hedgeMs, slowestBytesPerMs, most: 1, signal }
  const { result: list = [] } = await hedge([peer, null], askOne, patience)
  const came = new Map(list.map(bytes => [sha256Hex(bytes), bytes]))
  return {
    ask: source.ask.bind(source),
    fetch: async (hash, first, ...more) => came.get(toHex(hash)) ?? (await source.fetch(hash, first, ...more)),
  }
}
