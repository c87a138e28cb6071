/** A stream between two real peers that may go on on a lane: a protocol of the test's own, which anybody is let in at. */

import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { LaneStream } from '../../node/mesh/lane/lane-stream.ts'
import { Channel, withChannel } from '../../node/mesh/transport/channel.ts'
import { openStream, openStreamOn } from '../../node/mesh/transport/open-stream.ts'
import { trafficOf } from '../../node/mesh/transport/traffic.ts'
import type { SettingsInput } from '../../node/settings/settings.ts'
import { type LaneAnswer, laneAnswerCodec, streamLaneRequestCodec } from '../../protocol/messages/lane.ts'
import { connect, liveFleet, Mesh, type TestPeer } from './mesh.ts'
import { until } from './until.ts'

export interface StreamEnd {
  readonly peer: TestPeer
  readonly stream: Duplex
  readonly connection: Connection
  /** The stream's number in yamux. */
  readonly number: number
}

interface Init {
  /** Who has dialled the mesh's connection: the one who opens the stream, or the one who answers. */
  dialler?: 'near' | 'far'
  near?: SettingsInput
  far?: SettingsInput
}

/** Both ends of one stream: `near` has opened it. */
export async function streamScene(t: TestContext, { dialler = 'near', near, far }: Init = {}) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const a = await mesh.start({ word: 'near', fleet, ...(near && { settings: near }) })
  const b = await mesh.start({ word: 'far', fleet, ...(far && { settings: far }) })
  const protocol = `/${a.names.prefix}/test-streams/1`
  const came = Promise.withResolvers<StreamEnd>()
  b.admission.gate(protocol)
  await b.host.handle(protocol, (stream, connection) => {
    came.resolve(endOf(b, new Channel(stream), connection))
  })
  await (dialler === 'near' ? connect(a, b) : connect(b, a))
  const { stream, connection } = await openStreamOn(a.host, b.host.peerId, protocol)
  return { mesh, fleet, near: endOf(a, new Channel(stream), connection), far: await came.promise }
}

function endOf(peer: TestPeer, channel: Channel, connection: Connection): StreamEnd {
  const stream = peer.streamLanes.duplex(channel, connection)
  stream.on('error', () => {})
  return { peer, stream, connection, number: numberOf(channel.stream) }
}

export const hasLane = ({ stream }: StreamEnd) => stream instanceof LaneStream && stream.hasLane

/** Asks for a ticket for a stream of the connection between two peers. */
export async function askForStreamLane({ names, host }: TestPeer, to: TestPeer, number: number): Promise<LaneAnswer> {
  const stream = await openStream(host, to.host.peerId, names.streamLane)
  return await withChannel<LaneAnswer>(stream, undefined, async channel => {
    await channel.send(streamLaneRequestCodec, { stream: number, aes: true })
    return await channel.receive(laneAnswerCodec)
  })
}

/** The number of the newest stream of a protocol between two peers. */
export function streamNumber({ host }: TestPeer, to: TestPeer, protocol: string): number {
  const streams = host.getConnections(to.host.peerId).flatMap(({ streams }) => streams)
  return numberOf(streams.findLast(each => each.protocol === protocol))
}

/** As it is in yamux' headers. */
function numberOf(stream: unknown): number {
  return (stream as { streamId: number }).streamId
}

/** Writes so many random bytes at the pace of the stream; gives the SHA-256 of all that `hash` was given. */
export async function writeNoise({ stream }: StreamEnd, bytes: number, hash = createHash('sha256')): Promise<string> {
  // Pieces that fit into nothing.
  for (let left = bytes; left > 0; left -= 50_021) {
    const piece = randomBytes(Math.min(left, 50_021))
    hash.update(piece)
    if (!stream.write(piece)) await drained(stream)
  }
  return hash.copy().digest('hex')
}

/** Waits until a stream takes more, or is over. */
export async function drained(stream: Duplex): Promise<void> {
  await new Promise<void>(resolve => {
    const done = () => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
    if (stream.closed) done()
  })
}

/** All that comes until the other side ends, as SHA-256; rejects where the stream breaks. `onBytes` hears how many came so far. */
export async function readAll(
  { stream }: StreamEnd,
  onBytes: (bytes: number) => void = () => {},
): Promise<{ hash: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    hash.update(piece)
    bytes += piece.length
    onBytes(bytes)
  }
  return { hash: hash.digest('hex'), bytes }
}

/** Moves bytes until both ends go on on a lane, and reads them there. */
export async function untilOnLane(from: StreamEnd, to: StreamEnd): Promise<void> {
  to.stream.resume()
  await writeNoise(from, 400_000)
  await until(() => hasLane(from) && hasLane(to), 'the lane')
  to.stream.pause()
}

/** What a peer has received on the mesh's own connections, in bytes. */
export const onMesh = ({ peer }: StreamEnd) =>
  peer.host.getConnections().reduce((sum, each) => sum + trafficOf(each).received, 0)
