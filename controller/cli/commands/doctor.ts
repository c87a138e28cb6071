/** `thymesh doctor`: whether keys and secrets are safe on this machine, and what Thymesh needs is there. */

import { defaultStateDirectory } from '../../../node/settings/defaults.ts'
import { homeDirectory } from '../../fleet/fleet-home.ts'
import { checkMachine, nixVersion } from '../../machine/checks.ts'
import { doctorText } from '../../views/doctor.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface DoctorOptions extends GlobalOptions {
  state: string[]
}

export async function doctor({ state, ...options }: DoctorOptions): Promise<number> {
  const folders = [homeDirectory(), ...(state.length > 0 ? state : [defaultStateDirectory])]
  const checks = await checkMachine({ root: '/', folders, now: new Date(), nixVersion })
  const ok = checks.every(each => each.ok)
  print(options, { ok, checks }, doctorText(checks))
  return ok ? exitCodes.done : exitCodes.failed
}
