/**
 * The deadline of a generation that is booted once, without its daemon: a timer that lies in systemd's folder for persistent
 * settings, so that it depends on neither generation, and reboots the machine into the old one.
 */

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceLink, syncDirectory } from '../files/durable-file.ts'
import { writeDurably } from './journal.ts'

/** systemd.unit(5): persistent configuration. On NixOS /etc/systemd/system itself is in the store. */
const directory = '/etc/systemd/system.control'
const name = 'thymesh-boot-deadline'
const wants = join(directory, 'timers.target.wants')

/** The guard's script runs so many seconds after the boot. */
export async function placeBootGuard(script: string, attempt: string, seconds: number): Promise<void> {
  const service = `[Unit]
Description=Rolls back an update that is not confirmed after its boot
[Service]
Type=oneshot
ExecStart=/bin/sh ${script} boot-deadline ${attempt}
`
  const timer = `[Unit]
Description=Deadline of an update after its boot
[Timer]
OnBootSec=${seconds}s
AccuracySec=1s
`
  await mkdir(wants, { recursive: true, mode: 0o755 })
  await writeDurably(directory, `${name}.service`, service, 0o644)
  await writeDurably(directory, `${name}.timer`, timer, 0o644)
  await replaceLink(join(wants, `${name}.timer`), `../${name}.timer`)
  await syncDirectory('/etc/systemd')
}

/** Also where there is none. */
export async function removeBootGuard(): Promise<void> {
  await rm(join(wants, `${name}.timer`), { force: true })
  for (const kind of ['timer', 'service']) await rm(join(directory, `${name}.${kind}`), { force: true })
  await syncDirectory(directory).catch(() => {})
}

/** To be stopped when the update is confirmed: it is loaded. */
export const bootGuardTimer = `${name}.timer`
