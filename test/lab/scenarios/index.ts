/** All scenarios of the lab, in the order in which they run. */

import { daemonDies, guardReboots, networkLost, unitFails } from './bad-updates.ts'
import { bootSecrets } from './boot-secrets.ts'
import { bootTry } from './boot-try.ts'
import { bootCounters, bootFlapping, bootFullEsp, bootHang, bootPowerCut, bootUpdate } from './boot-updates.ts'
import { builders } from './builders.ts'
import { clock } from './clock.ts'
import { daemonReleased } from './daemon-released.ts'
import { daemonReplaced } from './daemon-replaced.ts'
import { daemonUpgraded } from './daemon-upgraded.ts'
import { bootFails, bootFlaps, degraded } from './degraded.ts'
import { diskFull } from './disk-full.ts'
import { firstUpdate } from './first-update.ts'
import { guests } from './guests.ts'
import { healthy } from './healthy.ts'
import { inodesFull } from './inodes-full.ts'
import { life } from './life.ts'
import { logs } from './logs.ts'
import { lostPaths } from './lost-paths.ts'
import { nats } from './nats.ts'
import { notInForce } from './not-in-force.ts'
import { operatorFaults } from './operator.ts'
import { portMapping } from './port-mapping.ts'
import { powerCut } from './power-cut.ts'
import { powerCutFetching } from './power-cut-fetching.ts'
import { reboots } from './reboot.ts'
import { remoteAccess } from './remote-access.ts'
import type { Scenario } from './scenario.ts'
import { secrets } from './secrets.ts'
import { sickUnits } from './sick-units.ts'
import { soak } from './soak.ts'
import { toldToStop } from './told-to-stop.ts'
import { twoReleases } from './two-releases.ts'
import { usbSticks } from './usb-sticks.ts'
import { visitingLaptop } from './visiting-laptop.ts'
import { waves } from './waves.ts'
import { yearAlone } from './year-alone.ts'

export const scenarios: readonly Scenario[] = [
  healthy,
  unitFails,
  sickUnits,
  notInForce,
  networkLost,
  daemonDies,
  guardReboots,
  daemonReplaced,
  daemonUpgraded,
  daemonReleased,
  degraded,
  bootFails,
  bootFlaps,
  reboots,
  firstUpdate,
  powerCut,
  powerCutFetching,
  toldToStop,
  diskFull,
  inodesFull,
  twoReleases,
  operatorFaults,
  lostPaths,
  waves,
  visitingLaptop,
  yearAlone,
  clock,
  logs,
  remoteAccess,
  builders,
  guests,
  life,
  nats,
  portMapping,
  soak,
  secrets,
  bootUpdate,
  bootHang,
  bootPowerCut,
  bootFlapping,
  bootFullEsp,
  bootCounters,
  bootSecrets,
  bootTry,
  usbSticks,
]
