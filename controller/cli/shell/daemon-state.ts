/** Where the daemon of this machine has its state. */

import { defaultSettingsFile, defaultStateDirectory, systemSettingsFile } from '../../../node/settings/defaults.ts'
import { readSettingsFile } from '../../../node/settings/settings.ts'

/** As its settings files say: the machine's own overrides that of the running config. */
export async function daemonState(): Promise<string> {
  for (const file of [defaultSettingsFile, systemSettingsFile]) {
    const settings: Record<string, unknown> = await readSettingsFile(file).catch(() => ({}))
    if (typeof settings.state === 'string') return settings.state
  }
  return defaultStateDirectory
}
