/** A change of the root or a site in words and in files: how it is asked for, kept in a file, and what came of it. */

import type { z } from 'zod'
import type { RootChanges } from '../../protocol/trust/next-root.ts'
import { type Proposal, proposalCodec } from '../../protocol/trust/proposal.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import type { previewRootOptions, TrustChanged } from '../api/schemas/trust-orders.ts'
import { type OperatorCard, parseCard } from '../keys/card.ts'
import { signaturesText, titleOf } from '../views/proposal.ts'

export const filePrefix = 'thymesh-proposal-'

export function rootChanges(options: z.input<typeof previewRootOptions>): RootChanges {
  const { add = [], remove = [], thresholds = {}, dropNixKeys = [] } = options
  const roles = Object.fromEntries(Object.entries(thresholds).filter(([, count]) => count !== undefined))
  return { add: add.map(parseCard).map(newOperator), remove, thresholds: roles, dropNixKeys }
}

function newOperator({ name, nix, root, targets, snapshot, timestamp, members }: OperatorCard) {
  return { name, nix, keys: { root, targets, snapshot, timestamp, members } }
}

export function fileText({ proposal }: VerifiedProposal): string {
  return `${filePrefix}${Buffer.from(proposalCodec.encode(proposal)).toString('base64url')}`
}

/** Throws where it is none. */
export function proposalOf(text: string): Proposal {
  return proposalCodec.decode(new Uint8Array(Buffer.from(text.trim().slice(filePrefix.length), 'base64url')))
}

export function changedBy(verified: VerifiedProposal, outcome = { published: false, heard: false }): TrustChanged {
  const { parts, complete, id } = verified
  return {
    ...{ id, root: parts.root?.signed.version ?? null, complete, ...outcome },
    ...{ missing: complete ? '' : signaturesText(verified), title: titleOf(verified), proposal: fileText(verified) },
    ...{ renewed: [], cutOff: [] },
  }
}
