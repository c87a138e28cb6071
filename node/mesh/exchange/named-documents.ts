/** All documents that a head names, in one answer: metadata and releases are small, and each request costs a turn over the line. */

import type { PeerId } from '@libp2p/interface'
import { equalBytes, fromHex, sha256, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import {
  type DocumentRequest,
  type Head,
  namedDocumentsCodec,
  namedPrefixLength,
} from '../../../protocol/messages/messages.ts'
import { type Attempt, hedge } from '../../concurrency/hedge.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { namedDocuments } from '../../state/named-documents.ts'
import { hedgeMs, slowestBytesPerMs } from '../limits.ts'
import type { Documents } from './documents.ts'

type Wanted = Extract<DocumentRequest, { named: Uint8Array }>
type Source = Pick<Documents, 'ask' | 'fetch'>

/** What a document, its name and its place in a list take beyond its bytes. */
const itemBytes = 8
/** What the list itself takes. */
const listBytes = 32

/** The answer to a request: undefined if this isn't our head. What doesn't fit is left out. */
export async function packNamed(
  state: Pick<FleetState, 'accepted' | 'document'>,
  { named, without }: Wanted,
): Promise<Uint8Array | undefined> {
  const { trusted } = state.accepted ?? {}
  if (trusted?.timestamp === undefined || !equalBytes(sha256(trusted.timestamp.bytes), named)) return undefined
  const list: Uint8Array[] = []
  let left = limits.namedDocumentsBytes - listBytes
  const theirs = new Set(prefixes(without))
  for (const hash of namedDocuments(trusted).map(fromHex)) {
    if (theirs.has(prefixOf(hash)) || list.length >= limits.namedDocuments) continue
    const bytes = await state.document(hash)
    if (bytes === undefined || bytes.length + itemBytes > left) continue
    left -= bytes.length + itemBytes
    list.push(bytes)
  }
  return namedDocumentsCodec.encode({ documents: list })
}

/**
 * A source that has asked the peer for all documents of its head at once, and asks for single ones where they didn't come: the peer
 * may be of the version before, or be late. What came is looked up by its hash, so it is what was named or nothing.
 */
export async function withNamed<T extends Source>(
  source: T,
  state: Pick<FleetState, 'accepted'>,
  { peer, head, signal }: { peer: PeerId; head: Head; signal: AbortSignal },
): Promise<Source> {
  const ours = namedDocuments(state.accepted?.trusted).slice(0, limits.namedDocuments)
  const without = Buffer.concat(ours.map(hash => fromHex(hash).subarray(0, namedPrefixLength)))
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

const prefixOf = (hash: Uint8Array) => toHex(hash.subarray(0, namedPrefixLength))

function prefixes(packed: Uint8Array): string[] {
  const count = packed.length / namedPrefixLength
  return Array.from({ length: count }, (_, at) => prefixOf(packed.subarray(at * namedPrefixLength)))
}
