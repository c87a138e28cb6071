/** Proposals: the next metadata of a fleet while signatures are missing, on its way between operators. */

import { z } from 'zod'
import { codec } from '../encoding/cbor.ts'
import {
  bytesSchema,
  fleetIdSchema,
  formatVersion,
  keyIdSchema,
  messageSchema,
  nameSchema,
  timeSchema,
} from '../encoding/fields.ts'
import { hashLength } from '../encoding/hash.ts'
import { limits } from '../limits.ts'
import { signEnvelope, signedKind } from '../signing/dsse.ts'
import type { Signer } from '../signing/keys.ts'

/** An operator's signed verdict on a proposal, with its time: an entry of the audit log. */
const statementSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  /** The proposal's ID. */
  proposal: bytesSchema(hashLength),
  operator: nameSchema,
  /** The key that signed this; it belongs to one of the proposal's roles. */
  key: keyIdSchema,
  verdict: z.enum(['proposed', 'approved', 'rejected']),
  /** By the signer's clock. */
  at: timeSchema,
  message: messageSchema,
})
export type Statement = z.infer<typeof statementSchema>
export const statementKind = signedKind<Statement>('proposal statement', statementSchema)

export function makeStatement(statement: Omit<Statement, 'v' | 'key'>, signer: Signer): Uint8Array {
  return signEnvelope(statementKind, { v: 1, key: signer.keyId, ...statement }, signer)
}

const proposalSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  /** The author's key: it must be one of the fleet's and have signed a part. */
  author: keyIdSchema,
  operator: nameSchema,
  created: timeSchema,
  message: messageSchema,
  /** TUF metadata with the signatures so far. */
  root: bytesSchema(1, limits.root).optional(),
  targets: bytesSchema(1, limits.targets).optional(),
  members: bytesSchema(1, limits.targets).optional(),
  /** Metadata of a site's role, if the site has its own operators. Never together with the other parts. */
  site: z.strictObject({ name: nameSchema, metadata: bytesSchema(1, limits.targets) }).optional(),
  /** New target files that the metadata names: release, revocations. */
  documents: z.array(bytesSchema(1, limits.release)).max(2),
  /** Operators' statements about it, each signed with a key of theirs. */
  statements: z.array(bytesSchema(1, limits.envelope)).max(limits.signatures),
})
/** Its bytes change with each signature; its ID doesn't. */
export type Proposal = z.infer<typeof proposalSchema>
export const proposalCodec = codec<Proposal>('proposal', limits.proposal, proposalSchema)

/**
 * Hashes of the proposals that a peer holds, so that the other side sends the rest. They cover the bytes, which
 * change with each signature.
 */
const proposalDigestSchema = z.strictObject({ held: z.array(bytesSchema(hashLength)).max(limits.proposals) })
export const proposalDigestCodec = codec('proposal digest', limits.request * 4, proposalDigestSchema)

/** The number of proposals that follow, each with a length prefix. */
const proposalCountSchema = z.strictObject({ count: z.int().min(0).max(limits.proposals) })
export const proposalCountCodec = codec('proposal count', limits.request, proposalCountSchema)
