/** Tests of what a release says of sites' uplinks. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uplinkOf, uplinksOf, withUplinks } from './site-uplinks.ts'

test('uplinks are read from the extension, which is parsed once; a form that is not known names none', () => {
  const extensions = withUplinks(undefined, { west: { bitsPerSecond: 1_000_000 } })
  assert.deepEqual(uplinkOf({ extensions }, 'west'), { bitsPerSecond: 1_000_000 })
  assert.equal(uplinkOf({ extensions }, 'toString'), undefined)
  assert.equal(uplinkOf({ extensions }, undefined), undefined)
  assert.equal(uplinksOf({ extensions }), uplinksOf({ extensions: { ...extensions } }))
  for (const uplinks of [undefined, null, 'west', [1], { west: { bitsPerSecond: 0 } }, { west: 'fast' }]) {
    const of = { values: { uplinks } as never, critical: [] }
    assert.deepEqual(uplinksOf({ extensions: of }), {})
  }
  assert.deepEqual(uplinksOf({}), {})
})
