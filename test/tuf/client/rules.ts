/** How strictly metadata of any TUF repository is parsed and verified: as the specification says. */

import type { TrustRules } from '../../../protocol/trust/rules.ts'
import { validateTufMetadata } from '../../../protocol/trust/validate-metadata.ts'

const KiB = 1024

/** For any repository that follows the specification, by its strict policy of time. */
export const tufRules: TrustRules = {
  // The limits of the specification's reference implementation, since repositories are made for it.
  maxBytes: { root: 512 * KiB, timestamp: 16 * KiB, snapshot: 2000 * KiB, targets: 5000 * KiB },
  require: validateTufMetadata,
  secondOfVersion: 'no-news',
  acceptedExpires: true,
  rotation: 'forget',
  delegated: 'looked-up',
}
