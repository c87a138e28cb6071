/** The system that a device is to run: what an activation is asked for. */

import type { Target } from '../../protocol/encoding/fields.ts'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'

/** What a release wants of this device. */
export interface WantedSystem {
  release: number
  /** The site whose own release it is. */
  site?: string | undefined
  config: string
  system: string
  target: Target
  topLevel: string
  policy?: UpdatePolicyInput | undefined
}
