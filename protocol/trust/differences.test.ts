/** Any two documents that differ have other differences: by properties over documents of any form. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { differences, leafText } from './differences.ts'

const key = fc.constantFrom('a', 'b', 'keyids', 'x.y')
const { document } = fc.letrec(tie => ({
  document: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, '', '0', '1', 'null', '[]'),
    fc.uint8Array({ maxLength: 2 }),
    fc.array(tie('document'), { maxLength: 3 }),
    fc.dictionary(key, tie('document'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

/** The differences as they are shown: what a person compares. */
function shown(before: unknown, after: unknown): string {
  return differences(before, after)
    .map(({ path, before: was, after: is }) => {
      const [old, next] = [was, is].map(leaf => (leaf === undefined ? '-' : leafText(leaf)))
      return `${JSON.stringify(path)}: ${old} → ${next}`
    })
    .join('\n')
}

/** The document with one of its parts gone, emptied or another: a few for each place. */
function neighbours(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [{}, [], null, 'other']
  if (Array.isArray(value)) {
    const inside = value.flatMap((part, at) =>
      neighbours(part)
        .slice(0, 3)
        .map(next => value.with(at, next)),
    )
    return [[], {}, value.slice(1), ...inside].slice(0, 8)
  }
  const inside = Object.entries(value).flatMap(([key, part]) => {
    const { [key]: _, ...rest } = value as Record<string, unknown>
    return [
      rest,
      ...neighbours(part)
        .slice(0, 4)
        .map(next => ({ ...value, [key]: next })),
    ]
  })
  return [{}, [], ...inside].slice(0, 10)
}

describe('differences', () => {
  it('are none between equal documents, and some between others', () => {
    fc.assert(
      fc.property(document, document, (one, other) => {
        assert.equal(shown(one, structuredClone(one)), '')
        assert.equal(shown(one, other) === '', isDeepStrictEqual(one, other))
      }),
      { numRuns: 2000 },
    )
  })

  it('differ for any two documents that differ, seen from any third', () => {
    fc.assert(
      fc.property(document, document, document, (before, one, other) => {
        assert.equal(shown(before, one) === shown(before, other), isDeepStrictEqual(one, other))
      }),
      { numRuns: 5000 },
    )
  })

  it('differ for neighbours: documents of which one part was taken away, emptied or replaced', () => {
    fc.assert(
      fc.property(document, one => {
        const all = [one, ...neighbours(one)]
        for (const before of all) {
          for (const a of all) {
            for (const b of all) {
              assert.equal(shown(before, a) === shown(before, b), isDeepStrictEqual(a, b))
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('name the place, and count the order of a list', () => {
    const before = { roles: { root: { keyids: ['a', 'b'], threshold: 1 } } }
    const after = { roles: { root: { keyids: ['b', 'a'], threshold: 1 } }, unheard: 'of' }
    assert.deepEqual(differences(before, after), [
      { path: ['roles', 'root', 'keyids'], before: ['a', 'b'], after: ['b', 'a'] },
      { path: ['unheard'], before: undefined, after: 'of' },
    ])
  })
})
