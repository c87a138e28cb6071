/** Extensions: which values one may have, how many and how large. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limits } from '../limits.ts'
import { type Extensions, extensionsSchema } from './extensions.ts'

const schema = extensionsSchema({ one: 100, all: 150 })
const takes = (value: unknown) => schema.safeParse(value).success

function nested(depth: number): unknown {
  return depth === 0 ? 'inside' : [nested(depth - 1)]
}

describe('extensions', () => {
  it('are kept as they are, whatever they say', () => {
    const given: Extensions = { hub: 'north', budget: { used: [1, -2, null, true], raw: Uint8Array.of(1) } }
    assert.deepEqual(schema.parse(given), given)
  })

  it('have names like other names, and there is at least one', () => {
    for (const name of ['Hub', '__proto__', 'constructor.x', '', 'a'.repeat(64)]) {
      assert.ok(!takes(JSON.parse(`{"${name}": 1}`)), name)
    }
    assert.ok(!takes({}))
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`x${at}`, 1]))
    assert.ok(takes(many(limits.extensions)))
    assert.ok(!takes(many(limits.extensions + 1)))
  })

  it('are bounded, each and together', () => {
    assert.ok(takes({ one: 'x'.repeat(98) }))
    assert.ok(!takes({ one: 'x'.repeat(99) }))
    assert.ok(takes({ one: 'x'.repeat(70), two: 'x'.repeat(70) }))
    assert.ok(!takes({ one: 'x'.repeat(80), two: 'x'.repeat(80) }))
    assert.ok(takes({ deep: nested(limits.extensionDepth) }))
    assert.ok(!takes({ deep: nested(limits.extensionDepth + 1) }))
    assert.ok(!takes({ deep: nested(5_000) }))
  })

  it('have only values with one form in CBOR and in canonical JSON', () => {
    for (const value of [1.5, 2 ** 60, -0, Number.NaN, 'a\nb', '\ud800', { 'a\u0000': 1 }, undefined, 1n, new Map()]) {
      assert.ok(!takes({ x: value }), String(value))
    }
  })
})
