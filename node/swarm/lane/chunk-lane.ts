/** A bulk lane for chunks, on the connection that either side has opened for it. */

import type { TLSSocket } from 'node:tls'
import type { DialInit } from '../../mesh/lane/lane-tls.ts'
import { laneReadBytes } from '../limits.ts'
import type { FramePatience } from './frame-patience.ts'
import { Lane } from './lane.ts'

/** What a dialled connection is opened with, so that the lane reads into one buffer, and the lane that is then on it. */
export function laneToDial(patience?: FramePatience): { lane: Lane } & Required<Pick<DialInit, 'into' | 'onOpen'>> {
  const lane = new Lane(patience)
  const into = { buffer: Buffer.allocUnsafeSlow(laneReadBytes), take: lane.take }
  return { lane, into, onOpen: socket => lane.run(socket) }
}

/** The lane on a connection that the other side has dialled. */
export function acceptedLane(socket: TLSSocket, patience?: FramePatience): Lane {
  const lane = new Lane(patience)
  socket.on('data', bytes => {
    if (!lane.take(bytes)) socket.pause()
  })
  lane.run(socket)
  return lane
}
