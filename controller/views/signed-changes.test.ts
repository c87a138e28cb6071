/** Approvers see every difference: by properties, and as it is shown. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { differences } from '../../protocol/trust/differences.ts'
import { signedChangesText } from './signed-changes.ts'

const nobody = () => undefined
const name = fc.constantFrom('a', 'b', 'devices', 'x.y', '{a, b}', '[0]')
const { document } = fc.letrec(tie => ({
  document: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 0, '', 'nothing', '0', '\u202e', '\\u202e', '[]', 'a, b'),
    fc.array(fc.constantFrom('a', 'b', 'c', 'a, b'), { maxLength: 4 }),
    fc.array(tie('document'), { maxLength: 3 }),
    fc.dictionary(name, tie('document'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

function shown(before: unknown, after: unknown): string {
  return signedChangesText([{ name: 'release', differences: differences(before, after) }], nobody).join('\n')
}

describe('the text of signed changes', () => {
  it('differs for any two documents that differ', () => {
    fc.assert(
      fc.property(document, document, document, (before, one, other) => {
        assert.equal(shown(before, one) === shown(before, other), isDeepStrictEqual(one, other))
      }),
      { numRuns: 5000 },
    )
  })

  it('names all devices of one change in one line, and shows lists as additions and removals', () => {
    const before = { devices: { a: { config: 'web' }, b: { config: 'web' } }, keyids: ['x', 'y'] }
    const after = { devices: { a: { config: 'new' }, b: { config: 'new' } }, keyids: ['y', 'z'], later: true }
    assert.equal(
      shown(before, after),
      [
        '  release:',
        '    devices.{a, b}.config: "web" → "new"',
        '    keyids:',
        '      - "x"',
        '      + "z"',
        '    later: nothing → true',
      ].join('\n'),
    )
  })

  it('shows another order as it is', () => {
    assert.equal(shown({ k: ['x', 'y'] }, { k: ['y', 'x'] }), '  release:\n    k: ["x", "y"] → ["y", "x"]')
  })

  it('shows keys in full, with their owner and words', () => {
    const id = '00'.repeat(32)
    const text = signedChangesText(
      [{ name: 'root metadata', differences: differences({ keyids: [] }, { keyids: [id] }) }],
      each => (each === id ? 'bob' : undefined),
    )
    assert.equal(text[2], `      + "${id}"  key of bob: ${'abandon '.repeat(11)}about`)
  })
})
