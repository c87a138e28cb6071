/** The system that an activation makes a device run. */

import type { Target } from '../../protocol/encoding/fields.ts'
import type { RebootPolicy } from '../../protocol/release/reboot-policy.ts'
import type { UpdatePolicyInput } from '../../protocol/release/update-policy.ts'

/** The system that a release assigns to this device. */
export interface WantedSystem {
  release: number
  /** The site whose own release it is. */
  site?: string | undefined
  config: string
  system: string
  target: Target
  topLevel: string
  policy?: UpdatePolicyInput | undefined
  reboot?: RebootPolicy | undefined
}
