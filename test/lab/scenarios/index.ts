/** All scenarios of the lab, in the order in which they run. */

import { healthy } from './healthy.ts'
import type { Scenario } from './scenario.ts'

export const scenarios: readonly Scenario[] = [healthy]
