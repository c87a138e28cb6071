/** Whether the daemon that runs on a device is the one that its generation brings, or its package's, and nothing else. */

import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../node/files/missing.ts'
import { storeDir } from '../../protocol/nix/store-path.ts'
import { type Check, well, wrong } from './check.ts'
import type { System } from './system.ts'

const check = 'daemon-program'
const unit = 'thymesh.service'
const ofGeneration = `run/current-system/units/${unit}`
/** Only this folder comes before /run, where a generation's units are. */
const inEtc = `etc/systemd/system/${unit}`
const ofPackages = ['usr/local/lib', 'usr/lib', 'lib'].map(folder => `${folder}/systemd/system/${unit}`)

/** Nothing where no daemon runs: another check tells that. NixOS has one daemon only, in `/etc`. */
export async function daemonProgram({ root, run }: System): Promise<Check[]> {
  const isThere = (path: string) => exists(join(root, path))
  const released = await isThere(ofGeneration)
  const pid = (await run('systemctl', ['show', '--value', '-p', 'MainPID', unit]))?.text
  const program = pid && pid !== '0' && (await readlink(join(root, 'proc', pid, 'exe')).catch(() => undefined))
  if (!program || (await isThere('etc/NIXOS'))) return []
  const found = await Promise.all(ofPackages.map(async path => ((await isThere(path)) ? path : undefined)))
  const machines = found.find(path => path !== undefined)
  const isReleased = program.startsWith(`${storeDir}/`)
  if (released && (await isThere(inEtc))) {
    const hint = `Move it away and run: systemctl daemon-reload; systemctl restart ${unit}. A tarball of this version no longer puts it there.`
    return [wrong(check, `/${inEtc} hides the daemon of the release`, hint)]
  }
  if (released !== isReleased) {
    const [wanted, got] = released
      ? ['of the release', program]
      : ['of the machine', `${program}, of an earlier release`]
    const hint = `Run: systemctl daemon-reload; systemctl restart ${unit}. If it stays so: systemctl cat ${unit} says why.`
    return [wrong(check, `expected the daemon ${wanted} to run, got ${got}`, hint)]
  }
  if (!released) return [well(check, "it is the machine's own")]
  const fallback =
    machines === undefined ? 'the machine has no other' : `/${machines} is for a boot without a generation`
  return [well(check, `it is of the release; ${fallback}`)]
}
