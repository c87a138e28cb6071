/** Proposals that no operator would make: by other keys, of other versions, over other documents. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { fromHex, sha256Hex } from '../../protocol/encoding/hash.ts'
import { type Release, releaseCodec } from '../../protocol/release/release.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { makeStatement, type Proposal, type Statement } from '../../protocol/trust/proposal.ts'
import type { TrustedSet } from '../../protocol/trust/trusted-set.ts'
import { signedJson, signJson } from '../helpers/metadata.ts'

export interface ForgeProposalInit {
  /** The trusted set that it is based on. */
  on: TrustedSet
  fleet: string
  /** The signers of the targets metadata. */
  signers: readonly Signer[]
  /** The claimed author's key; the first signer's by default. */
  author?: Signer
  /** Seconds after now, by its own date: of one author the newest are kept. */
  second?: number
  version?: number
  release?: Partial<Release>
  /** What targets say of the release beside length and hash. */
  custom?: Record<string, unknown>
  /** The targets' false entry for the release's document. */
  named?: { length: number; hashes: { sha256: string } }
  /** Documents that come with it, instead of the release. */
  documents?: readonly Uint8Array[]
  message?: string
}

/** A proposal of a release. It may be invalid. */
export function forgeProposal(init: ForgeProposalInit): Proposal {
  const { on, fleet, signers, second = 0, message = 'forged' } = init
  const { targets } = on
  const author = init.author ?? signers[0]
  if (targets === undefined || author === undefined) throw new RangeError('expected targets and a signer')
  const version = init.version ?? targets.signed.version + 1
  const created = timeText(new Date(Date.now() + second * 1000))
  const release: Release = { v: 1, fleet, version, created, message, configs: {}, devices: {}, ...init.release }
  const bytes = releaseCodec.encode(release)
  const named = init.named ?? { length: bytes.length, hashes: { sha256: sha256Hex(bytes) } }
  const signed = signJson(
    {
      ...signedJson(targets),
      version,
      targets: { release: { ...named, ...(init.custom && { custom: init.custom }) } },
    },
    ...signers,
  )
  return {
    v: 1,
    fleet,
    author: author.keyId,
    operator: 'mallory',
    created,
    message,
    targets: signed,
    documents: [...(init.documents ?? [bytes])],
    statements: [],
  }
}

/** A word on a proposal by any key. */
export function wordOn(
  id: string,
  signer: Signer,
  said: Pick<Statement, 'fleet' | 'verdict'> & Partial<Statement>,
): Uint8Array {
  return makeStatement(
    { operator: 'mallory', at: timeText(new Date()), message: '', ...said, proposal: fromHex(id) },
    signer,
  )
}
