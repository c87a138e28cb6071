/** Where this program comes from, by the path of its own file. */

import { realpathSync } from 'node:fs'
import { storeDir } from '../../protocol/nix/store-path.ts'
import type { DaemonOrigin } from '../../protocol/report/daemon.ts'

/** Of the program that this process runs. */
export function ownOrigin(): DaemonOrigin {
  const file = process.argv[1] ?? ''
  try {
    return originOf(realpathSync(file))
  } catch {
    return originOf(file)
  }
}

/** Of a program's file, without links; the places are those of nix/modules/thymesh/daemon.nix and scripts/package. */
export function originOf(file: string): DaemonOrigin {
  if (file.startsWith(`${storeDir}/`)) return 'release'
  if (file.startsWith('/usr/lib/thymesh/')) return 'package'
  return file.includes('/lib/thymesh/dist/') ? 'tarball' : 'sources'
}
