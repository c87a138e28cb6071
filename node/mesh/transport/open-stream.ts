/** Opens streams to connected peers; it never dials, which is up to the dial supervisor. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { ThymeshError } from '../../../protocol/errors.ts'
import { dialTimeoutMs } from '../limits.ts'
import type { Host } from './host.ts'
import { isRelayed } from './way.ts'

export class ConnectionError extends ThymeshError<'not-connected'> {}

/**
 * The best open connection to a peer: a direct one rather than one through a hub, and the newest, since an older one may
 * be left over from a power cut.
 */
export function connectionTo(host: Pick<Host, 'getConnections'>, peer: PeerId): Connection | undefined {
  return directTo(host, peer) ?? newestOf(host.getConnections(peer))
}

/** The newest open connection to a peer that leads through no hub. */
export function directTo(host: Pick<Host, 'getConnections'>, peer: PeerId): Connection | undefined {
  return newestOf(host.getConnections(peer).filter(each => !isRelayed(each)))
}

function newestOf(connections: readonly Connection[]): Connection | undefined {
  const open = connections.filter(({ status }) => status === 'open')
  return open.reduce<Connection | undefined>(
    (newest, each) => (newest !== undefined && newest.timeline.open > each.timeline.open ? newest : each),
    undefined,
  )
}

/**
 * Opens a stream with the first of these protocols that the other side supports. Throws a ConnectionError if the peer
 * isn't connected, or libp2p's error.
 */
export async function openStream(
  host: Pick<Host, 'getConnections'>,
  peer: PeerId,
  protocol: string | string[],
  signal?: AbortSignal,
): Promise<Stream> {
  return (await openStreamOn(host, peer, protocol, signal)).stream
}

/** The same, with the connection that it is on. */
export async function openStreamOn(
  host: Pick<Host, 'getConnections'>,
  peer: PeerId,
  protocol: string | string[],
  signal?: AbortSignal,
): Promise<{ stream: Stream; connection: Connection }> {
  const connection = connectionTo(host, peer)
  if (connection === undefined) throw new ConnectionError('not-connected', `${peer} isn't connected`)
  const limit = AbortSignal.timeout(dialTimeoutMs)
  const stream = await connection.newStream(protocol, {
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  })
  return { stream, connection }
}
