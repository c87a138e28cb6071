/** Streams as targets: bytes that arrive in odd pieces must be read like bytes that arrive at once. */

import { zstdCompressSync } from 'node:zlib'
import { Holdings } from '../../../node/mesh/exchange/holdings.ts'
import { Reconciliation } from '../../../node/mesh/exchange/reconciliation.ts'
import { batchedItems } from '../../../node/mesh/exchange/sync-items.ts'
import { LaneFrames } from '../../../node/mesh/lane/lane-frames.ts'
import { LaneError } from '../../../node/mesh/lane/lane-tls.ts'
import { Channel, ChannelError } from '../../../node/mesh/transport/channel.ts'
import { StreamError } from '../../../node/mesh/transport/stream-io.ts'
import { LaneReader } from '../../../node/swarm/lane/lane-reader.ts'
import { FrameStream, FrameStreamError } from '../../../node/swarm/session/frame-stream.ts'
import { type Codec, FormatError } from '../../../protocol/encoding/cbor.ts'
import { packVarints, unpackVarints } from '../../../protocol/encoding/varint.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { encodeLaneFrame } from '../../../protocol/messages/lane.ts'
import { documentRequestCodec, syncItemCodec } from '../../../protocol/messages/messages.ts'
import { batchCodec, batchContentsCodec, rangesCodec } from '../../../protocol/messages/ranges.ts'
import { decodeFrame, encodeFrame } from '../../../protocol/messages/swarm.ts'
import { makeFixtures } from '../../helpers/fixtures.ts'
import { goldenFrames } from '../../helpers/frames.ts'
import { testStreams } from '../../helpers/streams.ts'
import { framed } from '../wire.ts'
import { mutateCbor } from './mutate-values.ts'
import type { Random } from './random.ts'
import { type Target, UnstableError } from './target.ts'

const frames = Object.values(goldenFrames).map(encodeFrame)

const chunkFrames = Object.values(goldenFrames)
  .filter(({ type }) => type === 'chunk')
  .map(encodeFrame)

export const streamTargets: readonly Target[] = [
  {
    name: 'swarm frame',
    seeds: frames.map(frame => frame.subarray(4)),
    refusals: [FormatError],
    run: bytes => {
      const again = encodeFrame(decodeFrame(bytes)).subarray(4)
      if (!Buffer.from(again).equals(bytes)) throw new UnstableError('written otherwise than read')
    },
  },
  {
    name: 'varints',
    seeds: [packVarints([0, 1, 127, 128, 16_384, 0xffff_ffff, Number.MAX_SAFE_INTEGER]), packVarints([300])],
    refusals: [RangeError],
    run: bytes => {
      if (!Buffer.from(packVarints(unpackVarints(bytes))).equals(bytes)) throw new UnstableError('written otherwise')
    },
  },
  {
    name: 'swarm stream',
    seeds: [Buffer.concat(frames), ...frames],
    refusals: [FormatError, FrameStreamError, StreamError],
    run: (bytes, random) => sameInPieces(bytes, random, readFrames),
  },
  {
    name: 'lane',
    seeds: [Buffer.concat(chunkFrames), ...chunkFrames],
    refusals: [FormatError],
    run: (bytes, random) => {
      const [whole, parts] = [readLane([bytes]), readLane(piecesOf(bytes, random))]
      if (whole.text !== parts.text) throw new UnstableError(`at once ${whole.text}, in pieces ${parts.text}`)
      if (whole.thrown !== undefined) throw whole.thrown
    },
  },
  {
    name: 'stream lane',
    seeds: [laneFramesOf(['', 'a', 'bc']), laneFramesOf(['x'.repeat(300)]), laneFramesOf([])],
    refusals: [FormatError, LaneError],
    run: (bytes, random) => {
      const [whole, parts] = [readLaneFrames([bytes]), readLaneFrames(piecesOf(bytes, random))]
      if (whole.text !== parts.text) throw new UnstableError(`at once ${whole.text}, in pieces ${parts.text}`)
      if (whole.thrown !== undefined) throw whole.thrown
    },
  },
  {
    name: 'sync stream',
    seeds: [Buffer.concat(fixturesOf('sync item')), ...fixturesOf('sync item')],
    refusals: [FormatError, ChannelError, StreamError],
    run: (bytes, random) => sameInPieces(bytes, random, stream => readMessages(stream, syncItemCodec)),
  },
  {
    name: 'comparison by ranges',
    seeds: fixturesOf('sync ranges').map(bytes => bytes.subarray(4)),
    refusals: [FormatError],
    run: bytes => {
      const side = new Reconciliation(comparedHoldings())
      // Said again and again, it comes to an end or is refused; each answer fits its message.
      for (let turns = 0; turns < limits.rangeTurns; turns++) {
        const answer = side.answer(rangesCodec.decode(bytes))
        if (answer === undefined) return
        rangesCodec.decode(rangesCodec.encode(answer))
      }
    },
    mutate: mutateCbor,
  },
  {
    name: 'sync batch stream',
    seeds: [...fixturesOf('sync batch'), batchOf(fixturesOf('list of sync items'))],
    refusals: [FormatError, ChannelError, StreamError],
    run: (bytes, random) => sameInPieces(bytes, random, readBatches),
  },
  {
    name: 'document stream',
    seeds: fixturesOf('document request'),
    refusals: [FormatError, ChannelError, StreamError],
    run: (bytes, random) => sameInPieces(bytes, random, stream => readMessages(stream, documentRequestCodec)),
  },
]

/** The decoded value, as text. */
type Read = (stream: ReturnType<typeof testStreams>[1]) => Promise<string[]>

async function readFrames(stream: Parameters<Read>[0]): Promise<string[]> {
  const reader = new FrameStream(stream)
  const found: string[] = []
  for (let frame = await reader.read(); frame !== undefined; frame = await reader.read()) {
    found.push(Buffer.from(encodeFrame(frame)).toString('hex'))
  }
  return found
}

async function readMessages<T>(stream: Parameters<Read>[0], codec: Codec<T>): Promise<string[]> {
  const channel = new Channel(stream)
  const found: string[] = []
  for (;;) {
    try {
      found.push(Buffer.from(codec.encode(await channel.receive(codec))).toString('hex'))
    } catch (thrown) {
      // An end between two messages is how a stream ends.
      if (thrown instanceof ChannelError && thrown.code === 'ended' && found.length > 0) return found
      throw thrown
    }
  }
}

async function readBatches(stream: Parameters<Read>[0]): Promise<string[]> {
  const items = batchedItems(new Channel(stream))
  const found: string[] = []
  for (let batch = await items.receive(); batch !== undefined; batch = await items.receive()) {
    found.push(Buffer.from(batchContentsCodec.encode([...batch])).toString('hex'))
  }
  return found
}

function batchOf(lists: readonly Uint8Array[]): Uint8Array {
  const [list = new Uint8Array()] = lists.map(bytes => bytes.subarray(4))
  return framed(batchCodec.encode({ packed: zstdCompressSync(list), unpacked: list.length }))
}

function comparedHoldings(): Holdings {
  const holdings = new Holdings()
  for (let at = 0; at < 100; at++) holdings.set(`peer ${at}`, 1_769_860_800, at)
  return holdings
}

async function sameInPieces(bytes: Uint8Array, random: Random, read: Read): Promise<void> {
  const [whole, parts] = await Promise.all([outcomeOf([bytes], read), outcomeOf(piecesOf(bytes, random), read)])
  if (whole.text !== parts.text) throw new UnstableError(`at once ${whole.text}, in pieces ${parts.text}`)
  if (whole.thrown !== undefined) throw whole.thrown
}

function piecesOf(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = random.once(3) ? 1 : 1 + random.below(random.once(2) ? 7 : 5000)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}

/** The chunks until the first error, and what that is. A lane hands on what came before it. */
function readLane(pieces: readonly Uint8Array[]): { text: string; thrown?: unknown } {
  const found: string[] = []
  const reader = new LaneReader(frame => found.push(Buffer.from(encodeFrame(frame)).toString('hex')))
  try {
    for (const piece of pieces) reader.take(piece)
    return { text: `${found} ${reader.within}` }
  } catch (thrown) {
    return { text: `${found} ${messageOf(thrown)}`, thrown }
  }
}

/** A direction of a lane that carries a stream, with its end. */
function laneFramesOf(texts: readonly string[]): Uint8Array {
  const frames = texts.filter(Boolean).flatMap(text => [encodeLaneFrame(text.length), Buffer.from(text)])
  return Buffer.concat([...frames, encodeLaneFrame(0)])
}

/** The bytes of the direction until the first error, and what that is. */
function readLaneFrames(pieces: readonly Uint8Array[]): { text: string; thrown?: unknown } {
  let text = ''
  const frames = new LaneFrames({
    onBytes: bytes => {
      text += bytes.toString('hex')
    },
    onEnd: () => {
      text += ' end'
    },
  })
  try {
    for (const piece of pieces) frames.take(Buffer.from(piece))
    return { text }
  } catch (thrown) {
    return { text: `${text} ${messageOf(thrown)}`, thrown }
  }
}

async function outcomeOf(pieces: readonly Uint8Array[], read: Read): Promise<{ text: string; thrown?: unknown }> {
  const [ours, theirs] = testStreams()
  const reading = read(theirs)
  try {
    // A reader that has refused resets the stream while this goes on.
    for (const piece of pieces) if (piece.length > 0 && ours.writeStatus === 'writable') ours.send(piece)
    void ours.close().catch(() => {})
    const found = await reading
    return {
      text: JSON.stringify(found, (_, value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
      ),
    }
  } catch (thrown) {
    const code = thrown instanceof ThymeshError ? thrown.code : ''
    return { text: `${code} ${messageOf(thrown)}`, thrown }
  } finally {
    ours.abort(new Error('done'))
    theirs.abort(new Error('done'))
  }
}

function fixturesOf(format: string): Uint8Array[] {
  return makeFixtures().flatMap(fixture => (fixture.format === format ? [framed(fixture.bytes)] : []))
}
