/** Streams as targets: bytes that arrive in odd pieces must be read like bytes that arrive at once. */

import { Channel, ChannelError } from '../../../node/mesh/transport/channel.ts'
import { StreamError } from '../../../node/mesh/transport/stream-io.ts'
import { FrameStream, FrameStreamError } from '../../../node/swarm/session/frame-stream.ts'
import { type Codec, FormatError } from '../../../protocol/encoding/cbor.ts'
import { packVarints, unpackVarints } from '../../../protocol/encoding/varint.ts'
import { messageOf, ThymeshError } from '../../../protocol/errors.ts'
import { documentRequestCodec, syncItemCodec } from '../../../protocol/messages/messages.ts'
import { decodeFrame, encodeFrame } from '../../../protocol/messages/swarm.ts'
import { makeFixtures } from '../../helpers/fixtures.ts'
import { goldenFrames } from '../../helpers/frames.ts'
import { testStreams } from '../../helpers/streams.ts'
import { framed } from '../wire.ts'
import type { Random } from './random.ts'
import { type Target, UnstableError } from './target.ts'

const frames = Object.values(goldenFrames).map(encodeFrame)

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
    name: 'sync stream',
    seeds: [Buffer.concat(fixturesOf('sync item')), ...fixturesOf('sync item')],
    refusals: [FormatError, ChannelError, StreamError],
    run: (bytes, random) => sameInPieces(bytes, random, stream => readMessages(stream, syncItemCodec)),
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

async function sameInPieces(bytes: Uint8Array, random: Random, read: Read): Promise<void> {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = random.once(3) ? 1 : 1 + random.below(random.once(2) ? 7 : 5000)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  const [whole, parts] = await Promise.all([outcomeOf([bytes], read), outcomeOf(pieces, read)])
  if (whole.text !== parts.text) throw new UnstableError(`at once ${whole.text}, in pieces ${parts.text}`)
  if (whole.thrown !== undefined) throw whole.thrown
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
