/** The order of files in a bundle. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { limits } from '../limits.ts'
import { type BundleFile, BundleOrder, bundleFileName } from './bundle-files.ts'

const before: readonly BundleFile[] = [
  { kind: 'manifest' },
  { kind: 'readme' },
  { kind: 'root', version: 1 },
  { kind: 'timestamp' },
  { kind: 'snapshot' },
  { kind: 'targets' },
  { kind: 'delegated', role: 'members' },
  { kind: 'documents', number: 0 },
]

it('a bundle has room for so many packs, and not for a million tiny ones', () => {
  const order = new BundleOrder()
  for (const file of before) order.next({ name: bundleFileName(file), size: 1 })
  let number = 0
  assert.throws(
    () => {
      for (; number < 1_000_000; number++) order.next({ name: bundleFileName({ kind: 'chunks', number }), size: 0 })
    },
    { code: 'too-large' },
  )
  assert.equal(number, limits.bundleChunkPacks)
})
