/** Tests of comparing closures: packages, versions, outputs, and what was only rebuilt. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diffClosures, packageOf } from './closure-diff.ts'

const path = (name: string, hash = 'a') => ({ path: `/nix/store/${hash.repeat(32)}-${name}`, narSize: 10 })

describe('a store path', () => {
  it('is a package and its version', () => {
    const read = (name: string) => Object.values(packageOf(path(name).path))
    assert.deepEqual(read('openssl-3.0.13-bin'), ['openssl', '3.0.13'])
    assert.deepEqual(read('thymesh-web'), ['thymesh-web', ''])
    assert.deepEqual(read('python3.11-six-1.16.0'), ['python3.11-six', '1.16.0'])
    assert.deepEqual(read('unit-web.service'), ['unit-web.service', ''])
  })
})

describe('two closures', () => {
  it('differ by packages that came, went or have another version', () => {
    const before = [
      path('openssl-3.0.13'),
      path('openssl-3.0.13-bin'),
      path('old-1'),
      path('same-2'),
      path('glibc-2.39'),
    ]
    const after = [path('openssl-3.0.14', 'b'), path('new-1.2', 'b'), path('same-2', 'b'), path('glibc-2.39')]
    const diff = diffClosures(before, after)
    assert.deepEqual(diff.added, [{ name: 'new', before: [], after: ['1.2'] }])
    assert.deepEqual(diff.removed, [{ name: 'old', before: ['1'], after: [] }])
    assert.deepEqual(diff.changed, [{ name: 'openssl', before: ['3.0.13'], after: ['3.0.14'] }])
    assert.deepEqual([diff.rebuilt, diff.bytesBefore, diff.bytesAfter], [1, 50, 40])
  })

  it('are the same when nothing differs', () => {
    const diff = diffClosures([path('a-1')], [path('a-1')])
    assert.deepEqual([diff.added, diff.removed, diff.changed, diff.rebuilt], [[], [], [], 0])
  })
})
