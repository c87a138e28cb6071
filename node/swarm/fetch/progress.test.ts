/** Tests of a fetch's progress. */

import assert from 'node:assert/strict'
import { it, mock } from 'node:test'
import type { PathChunks } from '../chunks/chunk-list.ts'
import { Progress } from './progress.ts'

const path = (narSize: number) => ({ described: { narSize } }) as PathChunks
const peer = (local: boolean, controller: boolean) => ({ id: 'x', name: 'x', local, controller })

it('counts paths, and bytes by where they came from', () => {
  const progress = new Progress([path(1000), path(500)])
  progress.begin(900)
  assert.deepEqual([progress.paths, progress.size, progress.needed, progress.fromStore], [2, 1500, 900, 600])
  assert.equal(progress.secondsLeft, undefined)
  progress.arrived({ peer: peer(false, true), bytes: 400, wire: 100 })
  progress.arrived({ peer: peer(true, false), bytes: 300, wire: 300 })
  progress.arrived({ peer: peer(false, false), bytes: 100, wire: 50 })
  assert.deepEqual([progress.fromControllers, progress.fromNeighbours, progress.fromElsewhere], [400, 400, 500])
  assert.deepEqual([progress.received, progress.wire], [800, 450])
  progress.arrived({ peer: peer(true, false), bytes: 100, wire: 100 })
  assert.ok(progress.bytesPerSecond > 0)
  progress.imported()
  assert.deepEqual([progress.pathsDone, progress.pathsLeft], [1, 1])
})

it('of nothing to do is done', () => {
  const progress = new Progress([])
  progress.begin(0)
  assert.deepEqual([progress.secondsLeft, progress.fromStore, progress.pathsLeft], [undefined, 0, 0])
})

it('says how long it will take while bytes come, and nothing when none do', t => {
  let now = 0
  mock.method(performance, 'now', () => now)
  t.after(() => mock.restoreAll())
  const progress = new Progress([path(1_000_000)])
  progress.begin(1_000_000)
  const come = (bytes: number) => progress.arrived({ peer: peer(true, false), bytes, wire: bytes })
  for (; now < 5_000; now += 100) come(10_000)
  const left = progress.secondsLeft ?? 0
  assert.ok(left > 4.5 && left < 5.5, `expected about 5 s, got ${left}`)
  now += 6_000
  assert.deepEqual([progress.secondsLeft, progress.bytesPerSecond], [undefined, 0])
  come(500_000)
  assert.equal(progress.secondsLeft, undefined, 'nothing is left to come')
  assert.equal(Math.round(progress.bytesPerSecond), 90_909, 'all of it in 11 s')
})
