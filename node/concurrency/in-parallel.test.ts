/** Tests of work on many items: how many at a time, and what a failure does. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inParallel } from './in-parallel.ts'

test('in parallel: each item once, and no more than the limit at a time', async () => {
  const done: number[] = []
  let running = 0
  let most = 0
  await inParallel(3, [5, 1, 4, 2, 3, 6, 7], async item => {
    most = Math.max(most, ++running)
    for (let turn = 0; turn < item; turn++) await null
    running--
    done.push(item)
  })
  assert.deepEqual(done.toSorted(), [1, 2, 3, 4, 5, 6, 7])
  assert.equal(most, 3)
})

test('in parallel: a failure is told once all that runs has ended', async () => {
  const ended: string[] = []
  const work = inParallel(2, ['slow', 'wrong'], async item => {
    if (item === 'wrong') throw new RangeError('wrong')
    for (let turn = 0; turn < 20; turn++) await null
    ended.push(item)
  })
  await assert.rejects(work, /wrong/)
  assert.deepEqual(ended, ['slow'])
})
