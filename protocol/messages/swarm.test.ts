/** The frames of a swarm stream: golden bytes, round trips, bounds, and bytes that are no frames. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { framesDirectory, goldenFrames } from '../../test/helpers/frames.ts'
import { recipeLimits } from '../closure/recipe.ts'
import { ThymeshError } from '../errors.ts'
import {
  decodeFrame,
  encodeChunkHeader,
  encodeFrame,
  type Frame,
  frameHeader,
  frameTypes,
  maxAsks,
  maxBaseChunks,
  maxFrame,
  maxNumbers,
  refusals,
} from './swarm.ts'

/** A frame as its reader has it: without the length. */
const body = (frame: Frame) => encodeFrame(frame).subarray(4)

const number = fc.nat({ max: 0xffff_ffff })
const numbers = fc.array(number, { minLength: 1, maxLength: 300 })
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 })
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('open' as const), closure: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
  fc.record({ type: fc.constant('ready' as const), wants: fc.boolean(), bitfield: bytes }),
  fc.record({ type: fc.constantFrom('have' as const, 'request', 'cancel', 'missing', 'lost'), chunks: numbers }),
  fc.record({
    type: fc.constant('chunk' as const),
    chunk: number,
    encoding: fc.constantFrom('raw' as const, 'zstd', 'delta'),
    bytes,
  }),
  fc.record({
    type: fc.constant('requestFrom' as const),
    recipe: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    asks: fc.array(
      fc.record(
        { chunk: number, first: number, count: fc.integer({ min: 1, max: maxBaseChunks }) },
        { noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 100 },
    ),
  }),
  fc.record({ type: fc.constant('busy' as const), milliseconds: number }),
  fc.record({ type: fc.constant('refused' as const), reason: fc.constantFrom('unknown-closure' as const, 'too-many') }),
)

describe('golden frames', () => {
  for (const [name, golden] of Object.entries(goldenFrames)) {
    it(`${name} has not changed, and is read`, async () => {
      const kept = await readFile(join(framesDirectory, `${name}.frame`))
      const hint = 'a changed wire format needs a new version; `node test/helpers/frames.ts` makes the files anew'
      assert.ok(kept.equals(encodeFrame(golden)), hint)
      assert.deepEqual(plain(decodeFrame(kept.subarray(4))), plain(golden))
    })
  }

  it('are there for every type and every reason to refuse', () => {
    const all = Object.values(goldenFrames)
    assert.deepEqual(new Set(all.map(({ type }) => type)), new Set(Object.keys(frameTypes)))
    const reasons = all.flatMap(each => (each.type === 'refused' ? [each.reason] : []))
    assert.deepEqual(new Set(reasons), new Set(Object.keys(refusals)))
  })
})

describe('frames', () => {
  it('come out as they went in, behind their length', () => {
    fc.assert(
      fc.property(frame, each => {
        const encoded = encodeFrame(each)
        assert.equal(new DataView(encoded.buffer).getUint32(0), encoded.length - 4)
        assert.deepEqual(plain(decodeFrame(encoded.subarray(4))), plain(each))
      }),
    )
  })

  it('of chunks are the same in parts', () => {
    const chunk: Frame = { type: 'chunk', chunk: 70_000, encoding: 'zstd', bytes: Buffer.from('some bytes') }
    const parts = Buffer.concat([encodeChunkHeader(chunk.chunk, chunk.encoding, chunk.bytes.length), chunk.bytes])
    assert.deepEqual(parts, Buffer.from(encodeFrame(chunk)))
  })

  it('have room for the largest chunk, and for the most numbers', () => {
    const largest = encodeFrame({
      type: 'chunk',
      chunk: 0xffff_ffff,
      encoding: 'raw',
      bytes: new Uint8Array(recipeLimits.chunkSize),
    })
    assert.ok(largest.length - 4 <= maxFrame)
    assert.equal(decodeFrame(largest.subarray(4)).type, 'chunk')
    const chunks = Array<number>(maxNumbers).fill(0xffff_ffff)
    assert.equal(decodeFrame(body({ type: 'have', chunks })).type, 'have')
    assert.throws(() => encodeFrame({ type: 'have', chunks: [...chunks, 1] }), RangeError)
    const asks = Array(maxAsks).fill({ chunk: 0xffff_ffff, first: 0xf_ffff, count: maxBaseChunks })
    const recipe = new Uint8Array(32)
    assert.equal(decodeFrame(body({ type: 'requestFrom', recipe, asks })).type, 'requestFrom')
    assert.throws(() => encodeFrame({ type: 'requestFrom', recipe, asks: [...asks, asks[0]] }), RangeError)
    assert.throws(() => encodeFrame({ type: 'open', closure: new Uint8Array(31) }), ThymeshError)
  })
})

describe('bytes that are no frame', () => {
  const cases: [string, number[]][] = [
    ['nothing', []],
    ['an unknown type', [99]],
    ['an open of 31 bytes', [frameTypes.open, ...Array(31).fill(1)]],
    ['a ready without a word', [frameTypes.ready]],
    ['a ready of 2', [frameTypes.ready, 2]],
    ['no numbers', [frameTypes.have]],
    ['a number that never ends', [frameTypes.request, ...Array(9).fill(0x80)]],
    ['too many numbers', [frameTypes.cancel, ...Array(maxNumbers + 1).fill(1)]],
    ['a chunk without bytes', [frameTypes.chunk, 0, 0, 0, 1, 0]],
    ['a chunk in an unknown encoding', [frameTypes.chunk, 0, 0, 0, 1, 3, 1]],
    ['a request from a recipe of 31 bytes', [frameTypes.requestFrom, ...Array(31).fill(1)]],
    ['a request from a recipe for nothing', [frameTypes.requestFrom, ...Array(32).fill(1)]],
    ['a request from a recipe without a count', [frameTypes.requestFrom, ...Array(32).fill(1), 1, 2]],
    ['a request from no old chunks', [frameTypes.requestFrom, ...Array(32).fill(1), 1, 2, 0]],
    ['a request from too many old chunks', [frameTypes.requestFrom, ...Array(32).fill(1), 1, 2, maxBaseChunks + 1]],
    ['a chunk that is too large', [frameTypes.chunk, 0, 0, 0, 1, 0, ...Array(recipeLimits.chunkSize + 1025).fill(0)]],
    ['a busy of 3 bytes', [frameTypes.busy, 0, 0, 0]],
    ['an unknown refusal', [frameTypes.refused, 9]],
    ['a refusal with more', [frameTypes.refused, 1, 1]],
  ]
  for (const [what, wrong] of cases) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => decodeFrame(Uint8Array.from(wrong)), ThymeshError)
    })
  }

  it('make ThymeshErrors only, whatever they are', () => {
    const spoilt = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.integer({ min: 1, max: 10 }), fc.uint8Array({ maxLength: 200 })).map(([type, rest]) => {
        return Uint8Array.from([type, ...rest])
      }),
      frame.chain(each => fc.nat({ max: body(each).length }).map(end => body(each).subarray(0, end))),
    )
    fc.assert(
      fc.property(spoilt, wrong => {
        try {
          const read = decodeFrame(wrong)
          // Every decoded frame can be encoded: no number that the encoder would not write.
          assert.ok(encodeFrame(read).length >= frameHeader)
        } catch (thrown) {
          if (!(thrown instanceof ThymeshError)) throw thrown
        }
      }),
      { numRuns: 2000 },
    )
  })
})

/** Without the difference between Buffers and Uint8Arrays. */
function plain(frame: Frame): unknown {
  return Object.fromEntries(
    Object.entries(frame).map(([key, value]) => [key, value instanceof Uint8Array ? [...value] : value]),
  )
}
