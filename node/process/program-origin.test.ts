/** Where a program comes from. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { originOf, ownOrigin } from './program-origin.ts'

it('a program comes from where its file lies', () => {
  const path = '/nix/store/hcczzzkjdgi4gyvd8pw40541d63nhggs-source/lib/thymesh/dist/thymesh.mjs'
  const found = [path, '/usr/lib/thymesh/dist/thymesh.mjs', '/opt/t/lib/thymesh/dist/thymesh.mjs', '/home/a/main.ts']
  assert.deepEqual(found.map(originOf), ['release', 'package', 'tarball', 'sources'])
  assert.equal(ownOrigin(), 'sources')
})
