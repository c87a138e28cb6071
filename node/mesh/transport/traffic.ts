/** Bytes that a connection has carried, as its socket or its relayed stream has counted them. */

import type { Connection } from '@libp2p/interface'

interface Counted {
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** libp2p's connection, with what it keeps of its transport. */
interface Inside {
  readonly maConn?: Partial<Counted> & { readonly socket?: Counted }
}

export function trafficOf(connection: Connection): { received: number; sent: number } {
  const { maConn } = connection as unknown as Inside
  const { bytesRead = 0, bytesWritten = 0 } = maConn?.socket ?? maConn ?? {}
  return { received: bytesRead, sent: bytesWritten }
}
