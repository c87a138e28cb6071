/** Budgets of subjects: many of one group can't spend more than the group has. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { SubjectBudgets } from './subject-budgets.ts'

it('counts for the peer and for its group, and pays debts back over time', () => {
  let time = 0
  const budgets = new SubjectBudgets({
    peer: { most: 10, perSecond: 1 },
    group: { most: 25, perSecond: 1 },
    subjects: 100,
    now: () => time,
  })
  const of = (peer: string, group = 'token') => ({ peer, group })
  for (const peer of ['a', 'b']) {
    budgets.spend(of(peer), 12)
    assert.equal(budgets.has(of(peer)), false)
  }
  assert.equal(budgets.has(of('c')), true)
  budgets.spend(of('c'), 1)
  assert.equal(budgets.has(of('d')), false)
  assert.equal(budgets.has(of('x', 'x')), true)
  time += 2_100
  assert.equal(budgets.has(of('d')), true)
  assert.equal(budgets.has(of('a')), true)
})

it('allocates nothing for subjects before they come', () => {
  const rate = { most: 1, perSecond: 1 }
  // No table of so many fits into any memory.
  const budgets = new SubjectBudgets({ peer: rate, group: rate, subjects: 2 ** 40 })
  assert.equal(budgets.take({ peer: 'a', group: 'a' }), true)
})
