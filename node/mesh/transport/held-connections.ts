/** Connections that something rests on beside their streams: a stream that went on elsewhere ends with the connection it began on. */

import type { Connection } from '@libp2p/interface'

const holders = new WeakMap<Connection, number>()

/** Holds a connection until the function that it returns is called. */
export function holdConnection(connection: Connection): () => void {
  holders.set(connection, (holders.get(connection) ?? 0) + 1)
  let isHeld = true
  return () => {
    if (isHeld) holders.set(connection, (holders.get(connection) ?? 1) - 1)
    isHeld = false
  }
}

export function isHeld(connection: Connection): boolean {
  return (holders.get(connection) ?? 0) > 0
}
