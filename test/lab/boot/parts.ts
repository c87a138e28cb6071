/** What machines that boot by UEFI are made of: Debian's kernel, its newest systemd-boot, and a root; made once. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianRoot, keyOf, labCache, makeOnce } from '../base.ts'
import { machineMirror } from '../mirror.ts'

const suite = 'trixie'
const packages = [
  ...[
    'systemd',
    'systemd-sysv',
    'udev',
    'kmod',
    'dbus',
    'iproute2',
    'procps',
    'ca-certificates',
    'busybox-static',
    'cpio',
  ],
  ...[
    'linux-image-amd64',
    'systemd-boot',
    'systemd-boot-efi',
    'systemd-boot-tools',
    'nix-bin',
    'libdbi-perl',
    'dosfstools',
  ],
]
const script = join(import.meta.dirname, '../../../scripts/lab-boot-parts')

export interface BootParts {
  /** Holds `kernel`, `initrd`, `systemd-bootx64.efi` and `root/`. */
  readonly directory: string
  readonly kernel: string
  readonly loader: string
}

/** The first call makes them, in one or two minutes. */
export async function bootParts(): Promise<BootParts> {
  const base = await debianRoot(suite, packages)
  const directory = join(labCache, `boot-${keyOf(base, readFileSync(script, 'utf8'))}`)
  await makeOnce('lab-boot-parts', directory, [base, machineMirror(suite)])
  const word = (name: string) => readFileSync(join(directory, name), 'utf8').trim()
  return { directory, kernel: word('kernel-version'), loader: word('systemd-boot-version') }
}
