/** All scenarios of the lab, in the order in which they run. */

import { daemonDies, networkLost, unitFails } from './bad-updates.ts'
import { daemonReplaced } from './daemon-replaced.ts'
import { bootFails, degraded } from './degraded.ts'
import { diskFull } from './disk-full.ts'
import { firstUpdate } from './first-update.ts'
import { healthy } from './healthy.ts'
import { powerCut } from './power-cut.ts'
import type { Scenario } from './scenario.ts'

export const scenarios: readonly Scenario[] = [
  healthy,
  unitFails,
  networkLost,
  daemonDies,
  daemonReplaced,
  degraded,
  bootFails,
  firstUpdate,
  diskFull,
  powerCut,
]
