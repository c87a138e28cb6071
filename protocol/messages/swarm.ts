/** Messages on a swarm stream: binary frames, since chunks are sent by the thousand. */

import { recipeLimits } from '../closure/recipe.ts'
import { FormatError } from '../encoding/cbor.ts'
import { hashLength } from '../encoding/hash.ts'
import { packVarints, unpackVarints } from '../encoding/varint.ts'
import { messageOf } from '../errors.ts'

/** Frame types as they are on the wire: written out, never derived. */
export const frameTypes = {
  open: 1,
  ready: 2,
  have: 3,
  request: 4,
  cancel: 5,
  chunk: 6,
  missing: 7,
  busy: 8,
  refused: 9,
  requestFrom: 10,
  /** Since swarm/2. */
  lost: 11,
} as const

/** Reasons to refuse a stream, as on the wire. */
export const refusals = { 'unknown-closure': 1, duplicate: 2, 'too-many': 3 } as const
export type Refusal = keyof typeof refusals

/** `delta` is zstd with a dictionary: the base chunks that the request named. */
const chunkEncodings = { raw: 0, zstd: 1, delta: 2 } as const
export type ChunkEncoding = keyof typeof chunkEncodings

/** The delta base of a chunk: a run of a recipe's chunks that the requester holds. */
export interface Base {
  /** SHA-256 of the recipe. */
  readonly recipe: Uint8Array
  /** The index of the first chunk in the recipe, and the number of chunks. */
  readonly first: number
  readonly count: number
}

/** A requested chunk, and its delta base within the frame's recipe. */
export interface AskFrom {
  readonly chunk: number
  readonly first: number
  readonly count: number
}

/**
 * The dialler sends `open`; the listener answers with `ready`, and the dialler with a `ready` of its own. A `ready`
 * states the sender's chunks (a bitfield, empty for none) and whether it fetches the closure. Other frames follow in
 * any order. A later `ready` with an empty bitfield says that the sender started or stopped fetching. `requestFrom`
 * is a request whose answers may be deltas; a peer that lacks the base chunks answers as to `request`. `lost`
 * revokes a `have`: the sender no longer has these chunks, and the receiver announces those that it has.
 */
export type Frame =
  | { type: 'open'; closure: Uint8Array }
  | { type: 'ready'; wants: boolean; bitfield: Uint8Array }
  | { type: 'have'; chunks: readonly number[] }
  | { type: 'request'; chunks: readonly number[] }
  | { type: 'requestFrom'; recipe: Uint8Array; asks: readonly AskFrom[] }
  | { type: 'cancel'; chunks: readonly number[] }
  | { type: 'missing'; chunks: readonly number[] }
  | { type: 'lost'; chunks: readonly number[] }
  | { type: 'chunk'; chunk: number; encoding: ChunkEncoding; bytes: Uint8Array }
  | { type: 'busy'; milliseconds: number }
  | { type: 'refused'; reason: Refusal }

/** The frame that a bulk lane carries, and nothing else. */
export type ChunkFrame = Extract<Frame, { type: 'chunk' }>

/** Chunk numbers in one frame. */
export const maxNumbers = 4096
/** Base chunks of one delta, and their total size: the largest dictionary. */
export const maxBaseChunks = 48
export const maxBaseBytes = 1024 * 1024
/** Bytes of a bitfield: a closure of 16 million chunks. */
const maxBitfield = 2 * 1024 * 1024
/** Chunks in one `requestFrom`: three numbers each. */
export const maxAsks = Math.floor(maxNumbers / 3)
const chunkHeader = 5
/** A chunk on the wire: what doesn't shrink may grow a little. */
const maxChunkBytes = recipeLimits.chunkSize + 1024
/** A four-byte length, then a one-byte type. */
export const frameHeader = 5
/** The largest value of a frame's length field: the largest frame is a bitfield. */
export const maxFrame = 1 + Math.max(maxBitfield + 1, chunkHeader + maxChunkBytes)

/** Encodes a frame: length (four bytes, big-endian), type (one byte), payload. */
export function encodeFrame(frame: Frame): Uint8Array {
  const payload = payloadOf(frame)
  const bytes = new Uint8Array(frameHeader + payload.length)
  new DataView(bytes.buffer).setUint32(0, 1 + payload.length)
  bytes[4] = frameTypes[frame.type]
  bytes.set(payload, frameHeader)
  return bytes
}

/** The header of a chunk frame, sent separately so that the chunk itself isn't copied. */
export function encodeChunkHeader(chunk: number, encoding: ChunkEncoding, length: number): Uint8Array {
  const bytes = new Uint8Array(frameHeader + chunkHeader)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 1 + chunkHeader + length)
  bytes[4] = frameTypes.chunk
  view.setUint32(frameHeader, chunk)
  bytes[frameHeader + 4] = chunkEncodings[encoding]
  return bytes
}

/** The bytes before a chunk in its frame. */
export const chunkFrameHeader = frameHeader + chunkHeader

/** The length of the chunk in a frame, of which the first four bytes are given. Throws a FormatError unless it may be one. */
export function chunkLengthOf(header: Uint8Array): number {
  const length = new DataView(header.buffer, header.byteOffset).getUint32(0) - 1 - chunkHeader
  if (length < 1) throw malformed('a chunk frame')
  if (length <= maxChunkBytes) return length
  throw new FormatError('too-large', `expected a chunk of at most ${maxChunkBytes} bytes, got ${length}`)
}

/** Decodes the header of a chunk frame. Throws a FormatError at any other frame. */
export function decodeChunkHeader(header: Uint8Array): { chunk: number; encoding: ChunkEncoding; length: number } {
  const encoding = chunkEncodingOf(header[frameHeader + 4])
  const length = chunkLengthOf(header)
  if (header[4] !== frameTypes.chunk || encoding === undefined) throw malformed('a chunk frame')
  const view = new DataView(header.buffer, header.byteOffset)
  return { chunk: view.getUint32(frameHeader), encoding, length }
}

/** Decodes a frame without its length: type and payload. Throws a FormatError. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const payload = bytes.subarray(1)
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  switch (bytes[0]) {
    case frameTypes.open:
      return { type: 'open', closure: exactly(payload, hashLength, 'open') }
    case frameTypes.ready: {
      const wants = payload[0]
      if (wants !== 0 && wants !== 1) throw malformed('a ready frame of 0 or 1 and a bitfield')
      return { type: 'ready', wants: wants === 1, bitfield: atMost(payload.subarray(1), maxBitfield, 'ready') }
    }
    case frameTypes.have:
      return { type: 'have', chunks: numbersOf(payload) }
    case frameTypes.request:
      return { type: 'request', chunks: numbersOf(payload) }
    case frameTypes.requestFrom: {
      const recipe = exactly(payload.subarray(0, hashLength), hashLength, 'recipe')
      return { type: 'requestFrom', recipe, asks: asksOf(payload.subarray(hashLength)) }
    }
    case frameTypes.cancel:
      return { type: 'cancel', chunks: numbersOf(payload) }
    case frameTypes.missing:
      return { type: 'missing', chunks: numbersOf(payload) }
    case frameTypes.lost:
      return { type: 'lost', chunks: numbersOf(payload) }
    case frameTypes.chunk: {
      const encoding = chunkEncodingOf(payload[4])
      if (payload.length <= chunkHeader || encoding === undefined) throw malformed('a chunk frame')
      const data = atMost(payload.subarray(chunkHeader), maxChunkBytes, 'chunk')
      return { type: 'chunk', chunk: view.getUint32(0), encoding, bytes: data }
    }
    case frameTypes.busy:
      exactly(payload, 4, 'busy')
      return { type: 'busy', milliseconds: view.getUint32(0) }
    case frameTypes.refused: {
      const reason = (Object.keys(refusals) as Refusal[]).find(name => refusals[name] === payload[0])
      if (payload.length !== 1 || reason === undefined) throw malformed('a refused frame')
      return { type: 'refused', reason }
    }
    default:
      throw malformed('a frame of a known type')
  }
}

function chunkEncodingOf(byte: number | undefined): ChunkEncoding | undefined {
  return (Object.keys(chunkEncodings) as ChunkEncoding[]).find(name => chunkEncodings[name] === byte)
}

function payloadOf(frame: Frame): Uint8Array {
  switch (frame.type) {
    case 'open':
      return exactly(frame.closure, hashLength, 'open')
    case 'ready':
      return Buffer.concat([Uint8Array.of(frame.wants ? 1 : 0), frame.bitfield])
    case 'chunk':
      return Buffer.concat([encodeChunkHeader(frame.chunk, frame.encoding, 0).subarray(frameHeader), frame.bytes])
    case 'busy': {
      const bytes = new Uint8Array(4)
      new DataView(bytes.buffer).setUint32(0, frame.milliseconds)
      return bytes
    }
    case 'requestFrom': {
      const { recipe, asks } = frame
      if (asks.length > maxAsks) throw new RangeError(`expected at most ${maxAsks} chunks in a frame`)
      const numbers = asks.flatMap(({ chunk, first, count }) => [chunk, first, count])
      return Buffer.concat([exactly(recipe, hashLength, 'recipe'), packVarints(numbers)])
    }
    case 'refused':
      return Uint8Array.of(refusals[frame.reason])
    default:
      if (frame.chunks.length > maxNumbers) throw new RangeError(`expected at most ${maxNumbers} numbers in a frame`)
      return packVarints(frame.chunks)
  }
}

function numbersOf(payload: Uint8Array): readonly number[] {
  // A number below 2^32 takes at most five bytes, so this check bounds the work in advance.
  const bytes = atMost(payload, maxNumbers * 5, 'list of chunk numbers')
  let numbers: number[]
  try {
    numbers = [...unpackVarints(bytes)]
  } catch (thrown) {
    throw new FormatError('malformed', `expected chunk numbers: ${messageOf(thrown)}`, { cause: thrown })
  }
  if (numbers.length === 0 || numbers.length > maxNumbers) throw malformed(`1 to ${maxNumbers} chunk numbers`)
  return numbers
}

function asksOf(payload: Uint8Array): AskFrom[] {
  const numbers = numbersOf(payload)
  if (numbers.length % 3 !== 0) throw malformed('three numbers for each requested chunk')
  const asks: AskFrom[] = []
  for (let at = 0; at < numbers.length; at += 3) {
    const [chunk = 0, first = 0, count = 0] = numbers.slice(at, at + 3)
    if (count < 1 || count > maxBaseChunks) throw malformed(`1 to ${maxBaseChunks} base chunks`)
    asks.push({ chunk, first, count })
  }
  return asks
}

function exactly(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length !== length) throw malformed(`${length} bytes of ${what}`)
  return bytes
}

function atMost(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length <= length) return bytes
  throw new FormatError('too-large', `expected a ${what} of at most ${length} bytes, got ${bytes.length}`)
}

function malformed(expected: string): FormatError {
  return new FormatError('malformed', `expected ${expected}`)
}
