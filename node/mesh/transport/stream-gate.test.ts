/** Tests of the gate before a peer's streams. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { withCode } from '../../../test/helpers/errors.ts'
import { type TestEnd, testStreams } from '../../../test/helpers/streams.ts'
import { helloTimeoutMs, waitingStreams } from '../limits.ts'
import { StreamGate } from './stream-gate.ts'

function scene() {
  const admitted = new Set<string>()
  const gate = new StreamGate(peer => admitted.has(peer))
  const connection = { remotePeer: { toString: () => 'peer' } } as Connection
  /** Resolves when the stream has passed. */
  const enter = async (stream: TestEnd, ways: 'inbound' | 'both' = 'inbound') => {
    let passed = false
    await gate.middleware(ways)(stream, connection, () => {
      passed = true
    })
    assert.ok(passed)
  }
  return { admitted, gate, enter }
}

describe('Gate', () => {
  it("lets a member's streams pass at once", async () => {
    const { admitted, enter } = scene()
    admitted.add('peer')
    const [, inbound] = testStreams()
    await enter(inbound)
    assert.equal(inbound.readStatus, 'readable')
  })

  it('holds streams, paused, until their peer is admitted', async () => {
    const { admitted, gate, enter } = scene()
    const [, inbound] = testStreams()
    const entering = enter(inbound)
    assert.equal(inbound.readStatus, 'paused')
    admitted.add('peer')
    gate.wake('peer')
    await entering
    assert.equal(inbound.readStatus, 'readable')
  })

  it('refuses them when their peer is not admitted in time, is gone, or we stop', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { gate, enter } = scene()
    const late = enter(testStreams()[1])
    t.mock.timers.tick(helloTimeoutMs)
    await assert.rejects(late, withCode('refused'))
    const gone = enter(testStreams()[1])
    gate.wake('peer')
    await assert.rejects(gone, withCode('refused'))
    const stopped = enter(testStreams()[1])
    gate.stop()
    await assert.rejects(stopped, withCode('refused'))
    await assert.rejects(enter(testStreams()[1]), withCode('refused'))
  })

  it('holds so many streams of a peer, no more', async () => {
    const { admitted, gate, enter } = scene()
    const waiting = Array.from({ length: waitingStreams }, () => enter(testStreams()[1]))
    await assert.rejects(enter(testStreams()[1]), withCode('refused'))
    admitted.add('peer')
    gate.wake('peer')
    await Promise.all(waiting)
  })

  it('holds our own streams where it is asked to', async () => {
    const { gate, enter } = scene()
    await enter(testStreams()[0])
    const held = enter(testStreams()[0], 'both')
    gate.stop()
    await assert.rejects(held, withCode('refused'))
  })
})
