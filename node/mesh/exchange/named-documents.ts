/** All documents that a head names, packed into one answer: metadata and releases are small. */

import { equalBytes, fromHex, sha256, toHex } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { type DocumentRequest, namedDocumentsCodec, namedPrefixLength } from '../../../protocol/messages/messages.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import { namedDocuments } from '../../state/named-documents.ts'

type Wanted = Extract<DocumentRequest, { named: Uint8Array }>

/** Bytes that a document takes in the list beyond its own: at most five in CBOR. */
const itemBytes = 8
/** Bytes that the list takes without its documents. */
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

/** The prefixes of documents that are here, as a request names them. */
export function prefixesOf(hashes: readonly string[]): Uint8Array {
  return Buffer.concat(hashes.slice(0, limits.namedDocuments).map(hash => fromHex(hash).subarray(0, namedPrefixLength)))
}

const prefixOf = (hash: Uint8Array) => toHex(hash.subarray(0, namedPrefixLength))

function prefixes(packed: Uint8Array): string[] {
  const count = packed.length / namedPrefixLength
  return Array.from({ length: count }, (_, at) => prefixOf(packed.subarray(at * namedPrefixLength)))
}
