/** Tests of the canonical codec. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { z } from 'zod'
import { withCode } from '../../test/helpers/errors.ts'
import { codec, FormatError } from './cbor.ts'
import { bytesSchema } from './fields.ts'

const sample = codec(
  'sample',
  1000,
  z.strictObject({ count: z.int().min(0).optional(), text: z.string(), bytes: bytesSchema(0, 100).optional() }),
)
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('codec', () => {
  it('reads back what it wrote, and writes the same bytes again', () => {
    const document = fc.record(
      { count: fc.maxSafeNat(), text: fc.string({ unit: 'grapheme', maxLength: 50 }), bytes: fc.uint8Array() },
      { requiredKeys: ['text'], noNullPrototype: true },
    )
    fc.assert(
      fc.property(document, value => {
        const bytes = sample.encode(value)
        assert.deepEqual(sample.decode(bytes), value)
        assert.deepEqual(sample.encode(sample.decode(bytes)), bytes)
      }),
    )
  })

  it('does not look again whether what was stored is the canonical encoding, but at its schema and size', () => {
    const bytes = sample.encode({ text: 'a', count: 1 })
    assert.deepEqual(sample.decodeStored(bytes), sample.decode(bytes))
    // The keys in another order.
    const other = hex('a2 65 636f756e74 01 64 74657874 61 61')
    assert.throws(() => sample.decode(other), withCode('not-canonical'))
    assert.deepEqual(sample.decodeStored(other), { text: 'a', count: 1 })
    assert.throws(() => sample.decodeStored(encode({ text: 1 })), withCode('malformed'))
    assert.throws(() => sample.decodeStored(hex('ff')), withCode('malformed'))
    assert.throws(() => sample.decodeStored(new Uint8Array(1001)), withCode('too-large'))
  })

  it('leaves out keys that are undefined', () => {
    assert.deepEqual(sample.encode({ text: 'a', count: undefined }), sample.encode({ text: 'a' }))
  })

  it('keeps nothing of the bytes that it was given: a reused buffer changes no document', () => {
    for (const kind of [Uint8Array, Buffer]) {
      const bytes = kind.from(sample.encode({ text: 'a', bytes: Uint8Array.of(1, 2, 3) }))
      const document = sample.decode(bytes)
      bytes.fill(0)
      assert.deepEqual(document, { text: 'a', bytes: Uint8Array.of(1, 2, 3) })
    }
  })

  const notCanonical: Record<string, string> = {
    'an integer in more bytes than it needs': 'a2 64 74657874 61 61 65 636f756e74 18 01',
    'an integer in eight bytes': 'a2 64 74657874 61 61 65 636f756e74 1b 0000000000000001',
    'an integer as a float': 'a2 64 74657874 61 61 65 636f756e74 fb 3ff0000000000000',
    'a text of a longer length': 'a1 64 74657874 78 01 61',
    'a text that is no UTF-8': 'a1 64 74657874 61 ff',
    'an indefinite length': 'bf 64 74657874 61 61 ff',
    undefined: 'a2 64 74657874 61 61 65 636f756e74 f7',
    null: 'a2 64 74657874 61 61 65 636f756e74 f6',
    'a key twice': 'a2 64 74657874 61 61 64 74657874 61 61',
    'a key __proto__': 'a2 64 74657874 61 61 69 5f5f70726f746f5f5f a0',
    'a bigger integer than is safe': 'a2 64 74657874 61 61 65 636f756e74 1b 0020000000000000',
    NaN: 'a2 64 74657874 61 61 65 636f756e74 fb 7ff8000000000000',
    'bytes after the end': 'a1 64 74657874 61 61 00',
    'no bytes': '',
    'a foreign tag': 'a1 64 74657874 c1 61 61',
    'half a document': 'a1 64 74657874 63 61',
  }
  for (const [what, bytes] of Object.entries(notCanonical)) {
    it(`refuses ${what}`, () => assert.throws(() => sample.decode(hex(bytes)), FormatError))
  }

  it('refuses map keys in another order than by length, then by bytes', () => {
    const [text, count] = ['64 74657874 61 61', '65 636f756e74 01']
    assert.deepEqual(sample.decode(hex(`a2 ${text} ${count}`)), { text: 'a', count: 1 })
    assert.throws(() => sample.decode(hex(`a2 ${count} ${text}`)), FormatError)
  })

  it('refuses what is too large, read or written', () => {
    assert.throws(() => sample.decode(new Uint8Array(1001)), withCode('too-large'))
    assert.throws(() => sample.encode({ text: 'a'.repeat(1000) }), withCode('too-large'))
  })

  it('refuses to write what it would not read', () => {
    assert.throws(() => sample.encode({ text: 1 } as never), withCode('malformed'))
    assert.throws(() => sample.encode({ text: 'a', other: 1 } as never), withCode('malformed'))
  })

  it('refuses deep nesting and false lengths without running out of stack or memory', () => {
    const deep = codec('deep', 1_000_000, z.unknown())
    assert.throws(() => deep.decode(new Uint8Array(1_000_000).fill(0x81)), withCode('malformed'))
    assert.throws(() => deep.decode(hex('9b 000fffffffffffff')), withCode('malformed'))
    assert.throws(() => deep.decode(hex('5b 000fffffffffffff')), withCode('malformed'))
  })

  it('says what is wrong in one line that a peer cannot make long', () => {
    const wide = codec('wide', 1_000_000, z.strictObject({}))
    const bytes = encode({ ['x'.repeat(100_000)]: 1 })
    assert.throws(
      () => wide.decode(bytes),
      (thrown: Error) => thrown.message.startsWith('not a valid wide: Unrecognized key') && thrown.message.length < 300,
    )
  })
})
