/** Streams to peers that are connected: dialling is the dial supervisor's, so nobody is dialled by the way. */

import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { ThymeshError } from '../../../protocol/errors.ts'
import { dialTimeoutMs } from '../limits.ts'
import type { Host } from './host.ts'

export class ConnectionError extends ThymeshError<'not-connected'> {}

/** The newest open connection to a peer: an older one may be what a power cut left behind. */
export function connectionTo(host: Pick<Host, 'getConnections'>, peer: PeerId): Connection | undefined {
  const open = host.getConnections(peer).filter(({ status }) => status === 'open')
  return open.reduce<Connection | undefined>(
    (newest, each) => (newest !== undefined && newest.timeline.open > each.timeline.open ? newest : each),
    undefined,
  )
}

/** A new stream on it, of the first of some protocols that the other side has. Throws a ConnectionError when there is no connection, or what libp2p throws. */
export async function openStream(
  host: Pick<Host, 'getConnections'>,
  peer: PeerId,
  protocol: string | string[],
  signal?: AbortSignal,
): Promise<Stream> {
  const connection = connectionTo(host, peer)
  if (connection === undefined) throw new ConnectionError('not-connected', `${peer} isn't connected`)
  const limit = AbortSignal.timeout(dialTimeoutMs)
  return await connection.newStream(protocol, {
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  })
}
