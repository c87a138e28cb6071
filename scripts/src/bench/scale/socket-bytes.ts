/** Counts what this process writes to its sockets, on all of them together. */

import { Socket } from 'node:net'

export function watchSockets(): { bytes(): number } {
  const sockets = new Set<Socket>()
  const { on } = Socket.prototype
  Socket.prototype.on = function (this: Socket, ...parts: Parameters<typeof on>) {
    sockets.add(this)
    return on.apply(this, parts)
  } as typeof on
  return { bytes: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0) }
}
