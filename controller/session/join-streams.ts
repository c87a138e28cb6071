/** Joins two streams of bytes, such as a socket and a stream of the mesh. */

import { type Duplex, pipeline } from 'node:stream'

/** Carries both directions, each until it ends by itself; an error of one side ends the other. */
export function joinStreams(one: Duplex, other: Duplex): void {
  const ended = () => {}
  pipeline(one, other, ended)
  pipeline(other, one, ended)
}
