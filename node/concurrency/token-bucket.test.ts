/** Budgets: a burst, then the pace. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Budget } from './token-bucket.ts'

it('gives what it has, then no more than refills', () => {
  let now = 0
  const budget = new Budget({ most: 3, perSecond: 2, now: () => now })
  const taken = () => Array.from({ length: 10 }, () => budget.take()).filter(Boolean).length
  assert.equal(taken(), 3)
  now += 1000
  assert.equal(taken(), 2)
  now += 60_000
  assert.equal(taken(), 3)
})
