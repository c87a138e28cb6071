/** The daemon of a machine that boots from a made root: its unit, where a package has it, and its settings. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SettingsInput } from '../../node/settings/settings.ts'
import { insidePath } from './machine.ts'
import type { TrialProgram } from './program.ts'
import type { TrialRoot } from './root.ts'

export const daemonUnit = 'thymesh.service'

export interface PlacedDaemon {
  readonly program: Pick<TrialProgram, 'argv'>
  /** The store path of its Nix; that of the root, if there is none. */
  readonly nix: string | undefined
  /** Where its settings are inside. */
  readonly settingsFile: string
  readonly settings: SettingsInput
}

/** Writes both below the root, in place of what is there. A release may put its own unit over it. */
export function placeDaemon(root: TrialRoot, { program, nix, settingsFile, settings }: PlacedDaemon): void {
  const write = (path: string, text: string) => {
    const file = root.place(path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  write(settingsFile, JSON.stringify(settings))
  write(
    `/usr/lib/systemd/system/${daemonUnit}`,
    `[Unit]
Description=Thymesh
[Service]
ExecStart=${program.argv.join(' ')} node --settings ${settingsFile}
${nix === undefined ? '' : `Environment=PATH=${nix}/bin:${insidePath}\n`}Restart=always
RestartSec=1
TimeoutStopSec=20
`,
  )
  write(`/usr/lib/systemd/system/multi-user.target.d/${daemonUnit}.conf`, `[Unit]\nWants=${daemonUnit}\n`)
}
