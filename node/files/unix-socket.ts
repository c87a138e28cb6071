/** Unix sockets in a directory that is its owner's alone. */

import { chmod, rm } from 'node:fs/promises'
import type { Server } from 'node:net'

/** The size of sun_path in unix(7), without the zero at its end. */
export const maxSocketPath = 107

/** Whether a socket can have this path. */
export function fitsSocket(file: string): boolean {
  return Buffer.byteLength(file) <= maxSocketPath
}

/** Listens at `file` for its owner, and replaces a socket that was left over: the caller holds the lock of its directory. */
export async function listenAt(server: Server, file: string): Promise<void> {
  await rm(file, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, () => {
      server.off('error', reject)
      resolve()
    })
  })
  await chmod(file, 0o600)
}
