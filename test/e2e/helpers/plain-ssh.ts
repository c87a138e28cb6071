/** Plain ssh by the configuration that `thymesh ssh-config` prints. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fleet } from './fleet.ts'
import { runToEnd } from './processes.ts'

export async function plainSsh(fleet: Fleet, options: readonly string[], ...how: readonly string[]) {
  const { config } = await fleet.json<{ config: string }>('ssh-config', ...how)
  const file = join(fleet.directory, 'ssh_config')
  await writeFile(file, `${config}\n`)
  const at = { cwd: fleet.directory, env: fleet.env }
  const ssh = (...args: string[]) => runToEnd('ssh', ['-F', file, ...options, ...args], at)
  return { config, ssh }
}

/** A command that says how many processes of ours on this machine carry bytes of ssh for this fleet. */
export function carriers({ project }: Pick<Fleet, 'project'>): string {
  return `grep -slzxF -e --proxy $(grep -slzxF -e '${project}' /proc/[0-9]*/cmdline) </dev/null | wc -l`
}
