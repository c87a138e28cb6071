/** Tests of rendezvous hashing: fair shares, and only what a member had moves when it goes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { highestScoring, seedOf } from './rendezvous.ts'

const member = (id: string) => ({ id, seed: seedOf(id) })
const members = Array.from({ length: 8 }, (_, index) => member(`12D3KooWPeer${index}`))
const chunks = Array.from({ length: 8_000 }, (_, chunk) => chunk)

test('shares are fair', () => {
  const shares = new Map<string, number>()
  for (const chunk of chunks) {
    const id = highestScoring(chunk, members)?.id ?? ''
    shares.set(id, (shares.get(id) ?? 0) + 1)
  }
  for (const share of shares.values()) assert.ok(share > 850 && share < 1150, `${share} of 8000 chunks for one of 8`)
  assert.equal(shares.size, 8)
})

test('the order of members does not matter, and only what the one that goes had moves', () => {
  const left = members.slice(1).toReversed()
  for (const chunk of chunks) {
    const before = highestScoring(chunk, members)
    assert.equal(highestScoring(chunk, members.toReversed())?.id, before?.id)
    if (before !== members[0]) assert.equal(highestScoring(chunk, left)?.id, before?.id)
  }
})

test('nobody is chosen of none', () => {
  assert.equal(highestScoring(1, []), undefined)
})
