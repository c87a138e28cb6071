/** Places, turns and a rate: what a peer gives to all others together. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UploadLimiter } from './upload-limiter.ts'

describe('upload places', () => {
  it('are one a peer, however many sessions it has', () => {
    const uploads = new UploadLimiter({ peers: 2 })
    assert.deepEqual(
      [uploads.enter('a'), uploads.enter('a'), uploads.enter('b'), uploads.enter('c')],
      [true, true, true, false],
    )
    uploads.leave('a')
    assert.equal(uploads.enter('c'), false)
    uploads.leave('a')
    assert.equal(uploads.enter('c'), true)
  })

  it('are not gained by leaving twice', () => {
    const uploads = new UploadLimiter({ peers: 1 })
    uploads.leave('a')
    assert.equal(uploads.enter('b'), true)
    uploads.leave('a')
    assert.equal(uploads.enter('c'), false)
  })
})

describe('the upload rate', () => {
  it('without a limit makes nobody wait', async () => {
    const uploads = new UploadLimiter({ peers: 1 })
    for (let each = 0; each < 1000; each++) await uploads.take(1e9)
  })

  it('goes to who asked first, in turns', async () => {
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond: 1e6 })
    const order: number[] = []
    const takes = [300_000, 10, 10, 10].map((bytes, place) => uploads.take(bytes).then(() => order.push(place)))
    await Promise.all(takes)
    assert.deepEqual(order, [0, 1, 2, 3])
  })

  it('is kept over time: nothing goes before what was taken is paid back', async () => {
    const bytesPerSecond = 200_000
    // Before the limiter's own clock starts: what it fills while this test is held up counts as well.
    const began = performance.now()
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond })
    let taken = 0
    for (let each = 0; each < 6; each++) {
      await uploads.take(25_000)
      // The bucket and one piece of debt are what may go at once.
      const allowed = bytesPerSecond * 0.25 + ((performance.now() - began) / 1000) * bytesPerSecond
      assert.ok(taken <= allowed, `expected at most ${allowed} bytes before this turn, got ${taken}`)
      taken += 25_000
    }
  })

  it('lets go who gives up, and the next one has its turn', async () => {
    const uploads = new UploadLimiter({ peers: 1, bytesPerSecond: 1000 })
    await uploads.take(1_000_000)
    const abort = new AbortController()
    const reason = new Error('gone')
    const waiting = uploads.take(1, abort.signal)
    const other = new AbortController()
    const next = uploads.take(1, other.signal)
    abort.abort(reason)
    await assert.rejects(waiting, thrown => thrown === reason || (thrown as Error).name === 'AbortError')
    other.abort(reason)
    await assert.rejects(next)
  })
})
