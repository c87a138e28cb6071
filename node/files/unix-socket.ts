/** Unix sockets for their owner, or for a group as well. */

import { chmod, chown, rm } from 'node:fs/promises'
import type { Server } from 'node:net'

/** The size of sun_path in unix(7), without the zero at its end. */
export const maxSocketPath = 107

/** Whether a socket can have this path. */
export function fitsSocket(file: string): boolean {
  return Buffer.byteLength(file) <= maxSocketPath
}

/**
 * Listens at `file` for its owner, and for a group where its number is given. Replaces a socket that was left over: the
 * caller holds the lock of the directory, or of the state that the socket is of.
 */
export async function listenAt(server: Server, file: string, group?: number): Promise<void> {
  await rm(file, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, () => {
      server.off('error', reject)
      resolve()
    })
  })
  await chmod(file, 0o600)
  if (group === undefined) return
  // The group before the mode: no other one may open it in between.
  await chown(file, -1, group)
  await chmod(file, 0o660)
}
