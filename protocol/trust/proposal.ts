/** Proposals: the next metadata of a fleet that lacks signatures still, on its way from one operator to the other. */

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

/** What an operator says of a proposal, and when: the signed half of the audit log. */
const statementSchema = z.strictObject({
  v: formatVersion,
  fleet: fleetIdSchema,
  /** The proposal's ID. */
  proposal: bytesSchema(hashLength),
  operator: nameSchema,
  /** The key that signed this: one of the proposal's roles. */
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
  /** The key of who made it: it must be one of the fleet's, and have signed a part. */
  author: keyIdSchema,
  operator: nameSchema,
  created: timeSchema,
  message: messageSchema,
  /** Metadata as TUF has it, with the signatures so far. */
  root: bytesSchema(1, limits.root).optional(),
  targets: bytesSchema(1, limits.targets).optional(),
  members: bytesSchema(1, limits.targets).optional(),
  /** Metadata of the role of a site that has operators of its own; never together with the others. */
  site: z.strictObject({ name: nameSchema, metadata: bytesSchema(1, limits.targets) }).optional(),
  /** The target files that these name and that are new: release, revocations. */
  documents: z.array(bytesSchema(1, limits.release)).max(2),
  /** What operators have said of it, each sealed by a key of theirs. */
  statements: z.array(bytesSchema(1, limits.envelope)).max(limits.signatures),
})
/** Its bytes change with each signature, its ID never. */
export type Proposal = z.infer<typeof proposalSchema>
export const proposalCodec = codec<Proposal>('proposal', limits.proposal, proposalSchema)

/** Hashes of what one peer holds, so that the other sends what it lacks: of the bytes, which change with each signature. */
const proposalDigestSchema = z.strictObject({ held: z.array(bytesSchema(hashLength)).max(limits.proposals) })
export const proposalDigestCodec = codec('proposal digest', limits.request * 4, proposalDigestSchema)

/** How many proposals follow, each behind its length. */
const proposalCountSchema = z.strictObject({ count: z.int().min(0).max(limits.proposals) })
export const proposalCountCodec = codec('proposal count', limits.request, proposalCountSchema)
