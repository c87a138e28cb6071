/** Upload slots, fair turns and the upload rate, by a clock of the test's own. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { idleUploadMs } from '../limits.ts'
import { UploadLimiter } from './upload-limiter.ts'

const alone = (peer: string) => ({ peer, group: peer })
const nothing = () => {}

describe('upload slots', () => {
  it('are one a peer, however many sessions it has', () => {
    const uploads = new UploadLimiter({ peers: 2 })
    const [one, two] = [uploads.enter(alone('a'), nothing), uploads.enter(alone('a'), nothing)]
    assert.ok(one && two && uploads.enter(alone('b'), nothing))
    assert.equal(uploads.enter(alone('c'), nothing), undefined)
    one.leave()
    assert.equal(uploads.enter(alone('c'), nothing), undefined)
    two.leave()
    assert.ok(uploads.enter(alone('c'), nothing))
  })

  it('are not gained by leaving twice', () => {
    const uploads = new UploadLimiter({ peers: 1 })
    const first = uploads.enter(alone('a'), nothing)
    first?.leave()
    assert.ok(uploads.enter(alone('b'), nothing))
    first?.leave()
    assert.equal(uploads.enter(alone('c'), nothing), undefined)
  })

  it('go from a peer that takes nothing to one that has none, with all of its sessions', t => {
    const clock = stoppedClock(t)
    const uploads = new UploadLimiter({ peers: 2 })
    const ended: string[] = []
    const idle = uploads.enter(alone('a'), () => ended.push('a 1'))
    uploads.enter(alone('a'), () => ended.push('a 2'))
    const used = uploads.enter(alone('b'), () => ended.push('b'))
    clock.forward(idleUploadMs)
    used?.sent()
    assert.ok(uploads.enter(alone('c'), nothing))
    assert.deepEqual(ended, ['a 1', 'a 2'])
    idle?.leave()
    assert.equal(uploads.enter(alone('d'), nothing), undefined)
  })
})

/** A clock that stands still until the test moves it, and a way to wait until the limiter has read it again. */
function stoppedClock(t: TestContext) {
  let now = 0
  let onRead = () => {}
  t.mock.method(performance, 'now', () => {
    onRead()
    return now
  })
  return {
    forward: (milliseconds: number) => {
      now += milliseconds
    },
    /** Resolves after `times` readings: the limiter has looked, and looked again. */
    read: (times: number) =>
      new Promise<void>(resolve => {
        let left = times
        onRead = () => {
          if (--left === 0) resolve()
        }
      }),
  }
}

describe('the upload rate', () => {
  const bytesPerSecond = 1e6
  /** A quarter of a second. */
  const bucket = 250_000

  it('without a limit makes no upload wait', async () => {
    const uploads = new UploadLimiter({ peers: 1 })
    let taken = 0
    const all = Array.from({ length: 1000 }, () => uploads.take(1e9).then(() => taken++))
    // Before any timer or event can fire.
    await new Promise(resolve => process.nextTick(resolve))
    assert.equal(taken, 1000)
    await Promise.all(all)
  })

  it('goes to the first to ask, in turns', async () => {
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond })
    const order: number[] = []
    const takes = [300_000, 10, 10, 10].map((bytes, place) => uploads.take(bytes).then(() => order.push(place)))
    await Promise.all(takes)
    assert.deepEqual(order, [0, 1, 2, 3])
  })

  it('allows a full bucket at once, and nothing more before the debt is paid', async t => {
    const clock = stoppedClock(t)
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond })
    await uploads.take(bucket - 1)
    await uploads.take(1001)
    let taken = false
    const next = uploads.take(1).then(() => {
      taken = true
    })
    await clock.read(3)
    assert.equal(taken, false)
    clock.forward(0.5)
    await clock.read(3)
    assert.equal(taken, false, 'half of the debt is paid')
    clock.forward(1)
    await next
  })

  it('never saves up more than the bucket', async t => {
    const clock = stoppedClock(t)
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond })
    clock.forward(3_600_000)
    await uploads.take(bucket)
    let taken = false
    const next = uploads.take(1).then(() => {
      taken = true
    })
    await clock.read(3)
    assert.equal(taken, false)
    clock.forward(1)
    await next
  })

  it('passes on the turn of an upload that is aborted', async t => {
    const clock = stoppedClock(t)
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond })
    await uploads.take(bucket + 1000)
    const [abort, reason] = [new AbortController(), new Error('gone')]
    const waiting = uploads.take(1, abort.signal)
    const next = uploads.take(1)
    await clock.read(3)
    abort.abort(reason)
    await assert.rejects(waiting, thrown => thrown === reason || (thrown as Error).cause === reason)
    clock.forward(2)
    await next
    await assert.rejects(uploads.take(1, AbortSignal.abort(reason)), thrown => thrown === reason)
  })
})
