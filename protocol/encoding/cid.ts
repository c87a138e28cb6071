/** Content identifiers (CIDs): documents are named by their hash, so any peer can supply them. */

import { code as dagCbor } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { sha256 as sha256Code } from 'multiformats/hashes/sha2'
import { z } from 'zod'
import { hashLength, sha256 } from './hash.ts'

export type { CID }

/** The CID (version 1, DAG-CBOR, SHA-256) of a document's canonical bytes. */
export function cidOf(bytes: Uint8Array): CID {
  return cidOfHash(sha256(bytes))
}

/** The CID of the document with this SHA-256. */
export function cidOfHash(hash: Uint8Array): CID {
  return CID.createV1(dagCbor, Digest.create(sha256Code.code, hash))
}

/** The SHA-256 inside a CID of this format. */
export function hashOfCid(cid: CID): Uint8Array {
  return cid.multihash.digest
}

/** A CID as decoded from DAG-CBOR. Only CIDv1 with dag-cbor and SHA-256 is accepted. */
export const cidSchema = z.custom<CID>(
  value => {
    const cid = CID.asCID(value)
    return (
      cid !== null &&
      cid.version === 1 &&
      cid.code === dagCbor &&
      cid.multihash.code === sha256Code.code &&
      cid.multihash.digest.length === hashLength
    )
  },
  { error: 'expected a CID (version 1, dag-cbor, sha2-256)' },
)
