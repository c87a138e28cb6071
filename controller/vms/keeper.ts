/** The command line that keeps a container on, in mounts, processes and a network of its own. */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TrialProgram } from '../rehearsal/program.ts'
import { rootIn } from '../rehearsal/root.ts'
import { gateway, prefixLength } from './network.ts'
import type { ContainerRecord } from './records.ts'

/** With its end all of the machine ends. */
const apart = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']

/** `place` is the machine's folder. `resolvConf`: what systemd-nspawn does about its name servers. */
export function keeperArgv(
  place: string,
  { name, base, address }: ContainerRecord,
  program: TrialProgram,
  resolvConf = 'off',
): string[] {
  const directory = join(place, 'disk')
  const { root, overlays } = rootIn(directory, base ?? undefined)
  const mounts = overlays.flatMap(({ lower, upper, work, at }) => [
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    at,
  ])
  const nspawn = [
    ...['--register=no', '--keep-unit', '-q', '--settings=no', `--resolv-conf=${resolvConf}`, '--timezone=off'],
    ...['--link-journal=no', '--network-namespace-path=/proc/self/ns/net', '-D', root, `--machine=${name}`],
    ...program.binds.map(each => `--bind-ro=${each}`),
    '-b',
  ]
  const script = fileURLToPath(new URL('./vm-keep.sh', import.meta.url))
  const files = [join(place, 'disk.img'), directory, join(place, 'screen.log')]
  const keep = ['sh', script, ...files, `${address}/${prefixLength}`, gateway, ...mounts, '--', ...nspawn]
  return ['unshare', ...apart, ...keep]
}
