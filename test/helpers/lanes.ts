/** Bulk lanes by hand: what a member does that dialled another one. */

import { endOfAddress } from '../../node/mesh/relay/ends.ts'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { dialChunkLane } from '../../node/swarm/lane/chunk-lane.ts'
import type { Lane } from '../../node/swarm/lane/lane.ts'
import { type LaneAnswer, laneAnswerCodec, laneRequestCodec } from '../../protocol/messages/lane.ts'
import type { TestPeer } from './mesh.ts'

/** Asks for a ticket for the session with a peer about a closure. */
export async function askForTicket(from: TestPeer, to: TestPeer, closure: Uint8Array): Promise<LaneAnswer> {
  const stream = await openStream(from.host, to.host.peerId, from.names.lane)
  return await withChannel<LaneAnswer>(stream, undefined, async channel => {
    await channel.send(laneRequestCodec, { closure, aes: true })
    return await channel.receive(laneAnswerCodec)
  })
}

/** Opens the lane of a session. */
export async function openLane(from: TestPeer, to: TestPeer, closure: Uint8Array): Promise<Lane> {
  const ticket = await askForTicket(from, to, closure)
  if ('error' in ticket) throw new Error(`expected a ticket, got ${ticket.error}`)
  return await dialChunkLane(listenerOf(to), ticket, { signal: new AbortController().signal })
}

/** Where a peer listens. */
export function listenerOf(peer: TestPeer): { ip: string; port: number } {
  const [address] = peer.host.getMultiaddrs()
  const end = address && endOfAddress(address)
  if (end === undefined) throw new Error('expected a peer that listens')
  return end
}
