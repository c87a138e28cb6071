/** A signal ends the wait, not the process; afterwards signals mean what they did before. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { untilLeft } from './leaving.ts'

describe('leaving', () => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    it(`aborts what waits with ${name}, and resolves to what the work gives`, async () => {
      const before = process.listenerCount(name)
      const said = await untilLeft(async left => {
        const aborted = once(left, 'abort')
        process.kill(process.pid, name)
        await aborted
        return 'left'
      })
      assert.deepEqual([said, process.listenerCount(name)], ['left', before])
    })
  }

  it('listens no longer when the work has failed', async () => {
    const before = process.listenerCount('SIGINT')
    await assert.rejects(
      untilLeft(async () => {
        throw new RangeError('failed')
      }),
      /failed/,
    )
    assert.equal(process.listenerCount('SIGINT'), before)
  })
})
