/** Every attack of the kit, in the order of the docs. */

import type { Attack } from './attack.ts'
import { certificateAttacks } from './cases/certificates.ts'
import { documentAttacks } from './cases/documents.ts'
import { gossipAttacks } from './cases/gossip.ts'
import { metadataAttacks } from './cases/metadata.ts'
import { rootAttacks } from './cases/roots.ts'
import { strangerAttacks } from './cases/strangers.ts'

export const attacks: readonly Attack[] = [
  ...metadataAttacks,
  ...rootAttacks,
  ...certificateAttacks,
  ...strangerAttacks,
  ...gossipAttacks,
  ...documentAttacks,
]
