/**
 * The program that connects to a Unix socket and hands the connection to ssh, which then reads and writes it itself (ssh_config(5),
 * ProxyUseFdpass): nothing else is between ssh and the socket. Node can't send descriptors.
 */

import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

/** OpenBSD's netcat by the name that Debian and its children give it; other programs of the name `nc` know no `-F`. */
const name = 'nc.openbsd'

/** Its path; nothing where this machine has none. */
export async function descriptorProgram(path = process.env.PATH ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const file = join(folder, name)
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}
