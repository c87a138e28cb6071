/** Frames that come or go byte by byte end their stream, whatever trickles. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Frame } from '../../../protocol/messages/swarm.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { type TestEnd, testStreams } from '../../../test/helpers/streams.ts'
import { FrameStream } from './frame-stream.ts'

/** 100 ms for each frame, and one for each kilobyte. */
const patience = { idleMs: 100, bytesPerMs: 1000 }
const chunk: Frame = { type: 'chunk', chunk: 1, encoding: 'raw', bytes: new Uint8Array(60_000) }

/** Does something small over and over, more often than a stream may be idle. */
function drip(t: TestContext, step: () => void): void {
  const timer = setInterval(step, 10)
  t.after(() => clearInterval(timer))
}

describe('a stream of frames', () => {
  it('gives up a frame that its reader takes byte by byte', async t => {
    const [ours, theirs] = testStreams({ window: 100 }) as [TestEnd, TestEnd]
    theirs.addEventListener('message', () => {})
    drip(t, () => ours.grant(1))
    await assert.rejects(new FrameStream(ours, patience).write(chunk), withCode('timed-out'))
  })

  it('gives up a frame that its writer sends byte by byte, from its length or from its body on', async t => {
    for (const first of [[0], [0, 0, 234, 101]]) {
      const [ours, theirs] = testStreams()
      const frames = new FrameStream(ours, patience)
      theirs.send(Uint8Array.from(first))
      drip(t, () => theirs.status === 'open' && theirs.send(new Uint8Array(first.length === 1 ? 0 : 1)))
      await assert.rejects(frames.read(), withCode('timed-out'))
    }
  })

  it('waits without limit for a frame that has not begun', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const [ours, theirs] = testStreams()
    const frames = new FrameStream(ours, patience)
    const reading = frames.read()
    t.mock.timers.tick(3_600_000)
    void new FrameStream(theirs).write(chunk)
    assert.equal((await reading)?.type, 'chunk')
  })
})
