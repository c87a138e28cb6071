/** `thymesh leave`: takes this machine out of its fleet, without asking the fleet. */

import { setTimeout as sleep } from 'node:timers/promises'
import { leaveFleet } from '../../../node/device/leave.ts'
import { exists } from '../../../node/files/missing.ts'
import { defaultSettingsFile, systemSettingsFile } from '../../../node/settings/defaults.ts'
import { parseSettings, readSettingsFile } from '../../../node/settings/settings.ts'
import { confirm } from '../shell/confirm.ts'
import type { GlobalOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

export interface LeaveOptions extends GlobalOptions {
  settings: string
  state?: string
  root?: string
  after: number
  yes: boolean
}

export async function leave(options: LeaveOptions): Promise<number> {
  const { state, root } = options
  // The running config's settings are those of the machine's own daemon alone.
  const hasDefaults = options.settings === defaultSettingsFile
  const own = { ...(hasDefaults && (await settingsIn(systemSettingsFile))), ...(await settingsIn(options.settings)) }
  const given = { ...own, ...(state !== undefined && { state }), ...(root !== undefined && { root }) }
  const settings = parseSettings(given, options.settings)
  const isMachine =
    hasDefaults && settings.root === undefined && settings.state === parseSettings(own, options.settings).state
  const { store, ...others } = settings
  const question = `Delete this machine's keys, secrets and state of its fleet (${settings.state})?`
  if (!(await confirm(options, question))) return exitCodes.failed
  await sleep(options.after * 1000)
  const leaving = { ...others, isMachine, ...((isMachine || !hasDefaults) && { store }) }
  const { removed, left } = await leaveFleet(leaving)
  const lines = [...removed.map(path => `  deleted  ${path}`), ...left.map(what => `  left     ${what}`)]
  print(options, { removed, left }, ['This machine is no device of a fleet any more.', ...lines].join('\n'))
  return exitCodes.done
}

async function settingsIn(file: string): Promise<Record<string, unknown>> {
  return (await exists(file)) ? await readSettingsFile(file) : {}
}
