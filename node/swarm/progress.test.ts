/** What a fetch says of itself. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { PathChunks } from './chunk-list.ts'
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
  assert.ok(progress.bytesPerSecond > 0 && (progress.secondsLeft ?? 0) > 0)
  progress.arrived({ peer: peer(true, false), bytes: 100, wire: 100 })
  assert.equal(progress.secondsLeft, 0)
  progress.imported()
  assert.deepEqual([progress.pathsDone, progress.pathsLeft], [1, 1])
})

it('of nothing to do is done', () => {
  const progress = new Progress([])
  progress.begin(0)
  assert.deepEqual([progress.secondsLeft, progress.fromStore, progress.pathsLeft], [0, 0, 0])
})
