/** `thymesh doctor`: whether this machine has all that a device or an operator needs, and keeps keys and secrets safe. */

import { join } from 'node:path'
import { exists } from '../../../node/files/missing.ts'
import { defaultSettingsFile, defaultStateDirectory, systemSettingsFile } from '../../../node/settings/defaults.ts'
import { parseSettings, readSettingsFile } from '../../../node/settings/settings.ts'
import { homeDirectory } from '../../fleet/directories.ts'
import { type Check, well, wrong } from '../../machine/check.ts'
import { checkMachine, nixVersion } from '../../machine/checks.ts'
import { type DeviceSettings, deviceChecks } from '../../machine/device-checks.ts'
import { laptopChecks } from '../../machine/laptop-checks.ts'
import { thisSystem } from '../../machine/system.ts'
import { doctorText } from '../../views/doctor.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface DoctorOptions extends GlobalOptions {
  state: string[]
  device: boolean
  laptop: boolean
}

export async function doctor({ state, device, laptop, ...options }: DoctorOptions): Promise<number> {
  const { checked, settings } = await settingsHere()
  const home = homeDirectory()
  const folders = [home, ...(state.length > 0 ? state : [settings.state])]
  const isDevice = await exists(join(settings.state, 'identity.key'))
  const isLaptop = await exists(home)
  const roles = {
    device: device || (isDevice && !laptop),
    laptop: laptop || (!device && (isLaptop || !isDevice)),
  }
  const checks = [
    ...(await checkMachine({ root: '/', folders, now: new Date(), nixVersion })),
    checked,
    ...(roles.device ? await deviceChecks(thisSystem, settings) : []),
    ...(roles.laptop ? await laptopChecks(thisSystem, home) : []),
  ]
  const ok = checks.every(each => each.ok)
  print(options, { ok, roles, checks }, doctorText(checks))
  return ok ? exitCodes.done : exitCodes.failed
}

/** The daemon's settings as it would read them. */
async function settingsHere(): Promise<{ checked: Check; settings: DeviceSettings }> {
  try {
    const [running, own] = await Promise.all([systemSettingsFile, defaultSettingsFile].map(fileIfThere))
    const settings = parseSettings({ ...running, ...own }, defaultSettingsFile)
    return { checked: well('settings', own === undefined ? 'the defaults' : defaultSettingsFile), settings }
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    const checked = wrong('settings', message, `Mend ${defaultSettingsFile}: docs/settings.md lists its keys.`)
    return { checked, settings: { state: defaultStateDirectory } }
  }
}

async function fileIfThere(file: string): Promise<Record<string, unknown> | undefined> {
  return (await exists(file)) ? await readSettingsFile(file) : undefined
}
