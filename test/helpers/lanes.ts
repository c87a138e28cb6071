/** Bulk lanes by hand: what a member does that dialled another one. */

import { dialLane } from '../../node/mesh/lane/lane-tls.ts'
import { endOfAddress } from '../../node/mesh/relay/ends.ts'
import { withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream } from '../../node/mesh/transport/open-stream.ts'
import { laneToDial } from '../../node/swarm/lane/chunk-lane.ts'
import type { FramePatience } from '../../node/swarm/lane/frame-patience.ts'
import type { Lane } from '../../node/swarm/lane/lane.ts'
import { type LaneAnswer, type LaneTicket, laneAnswerCodec, laneRequestCodec } from '../../protocol/messages/lane.ts'
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

/** Dials a lane for chunks. Rejects as `dialLane` does. */
export async function dialChunkLane(
  end: { ip: string; port: number },
  ticket: LaneTicket,
  { patience, signal }: { patience?: FramePatience | undefined; signal: AbortSignal },
): Promise<Lane> {
  const { lane, ...init } = laneToDial(patience)
  await dialLane(end, ticket, { ...init, signal })
  return lane
}

/** Where a peer listens. */
export function listenerOf(peer: TestPeer): { ip: string; port: number } {
  const [address] = peer.host.getMultiaddrs()
  const end = address && endOfAddress(address)
  if (end === undefined) throw new Error('expected a peer that listens')
  return end
}
