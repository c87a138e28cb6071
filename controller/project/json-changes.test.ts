/** Tests of what differs between two JSON values. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonChanges } from './json-changes.ts'

describe('changes of a JSON value', () => {
  it('are named by the path, with what was and what is', () => {
    const before = { name: 'Web', modules: { web: { port: 80, names: ['a'], on: null } } }
    const after = { modules: { web: { port: 81, names: ['a', 'b'], on: null }, other: {} } }
    assert.deepEqual(jsonChanges(before, after), [
      { path: ['name'], before: 'Web' },
      { path: ['modules', 'web', 'port'], before: 80, after: 81 },
      { path: ['modules', 'web', 'names'], before: ['a'], after: ['a', 'b'] },
      { path: ['modules', 'other'], after: {} },
    ])
  })

  it('are none of equal values, and one of a whole file', () => {
    assert.deepEqual(jsonChanges({ a: [1, { b: null }] }, { a: [1, { b: null }] }), [])
    assert.deepEqual(jsonChanges(undefined, {}), [{ path: [], after: {} }])
    assert.deepEqual(jsonChanges({ constructor: 1 }, {}), [{ path: ['constructor'], before: 1 }])
  })
})
