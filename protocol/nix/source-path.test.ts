/** Test of the store path of sources, against one that Nix 2.8 gave. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sourcePath } from './source-path.ts'

it('the store path of sources follows from their NAR hash', () => {
  const narHash = Buffer.from('X5ubNcQ2OGKCh4kYXr4TJUhs3HstHkeILAd/WrML5Nw=', 'base64')
  assert.equal(sourcePath(narHash), '/nix/store/6jidslj58hrgnpsy320cj440m89azb7p-source')
})
