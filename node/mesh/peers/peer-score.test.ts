/** Rate limits and scores of peers. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../test/helpers/log.ts'
import { faultsPerPeer, faultsPerSecond, requestRates, scoredPeers } from '../limits.ts'
import { PeerScore } from './peer-score.ts'

describe('PeerScore', () => {
  it('limits the rate of requests, for each peer and kind', () => {
    let now = 0
    const peerScore = new PeerScore({ log: silentLogger, drop: () => assert.fail('nobody is dropped'), now: () => now })
    const { most, perSecond } = requestRates.sync
    for (let asked = 0; asked < most; asked++) assert.ok(peerScore.allowRequest('peer', 'sync'))
    assert.equal(peerScore.allowRequest('peer', 'sync'), false)
    assert.ok(peerScore.allowRequest('another', 'sync'), 'each has its own')
    assert.ok(peerScore.allowRequest('peer', 'document'), 'of each thing')
    now += 1000 / perSecond
    assert.ok(peerScore.allowRequest('peer', 'sync'))
  })

  it('drops a peer with too many violations, and tolerates a few over a long time', () => {
    let now = 0
    const dropped: string[] = []
    const peerScore = new PeerScore({ log: silentLogger, drop: peer => dropped.push(peer), now: () => now })
    for (let times = 0; times < faultsPerPeer; times++) peerScore.penalize('peer', 'malformed')
    assert.deepEqual(dropped, [])
    assert.ok(peerScore.score('peer') < 0)
    peerScore.penalize('peer', 'malformed')
    assert.deepEqual(dropped, ['peer'])
    for (let times = 0; times < 100; times++) {
      now += 1000 / faultsPerSecond
      peerScore.penalize('clumsy', 'malformed')
    }
    assert.deepEqual(dropped, ['peer'])
  })

  it('forgets the least recently active peer, and no other, beyond the limit', () => {
    const peerScore = new PeerScore({ log: silentLogger, drop: () => {} })
    for (const peer of ['first', 'second']) peerScore.penalize(peer, 'malformed')
    const score = peerScore.score('first')
    assert.ok(score < 0)
    assert.ok(peerScore.allowRequest('first', 'hello'))
    for (let each = 0; each < scoredPeers - 1; each++) peerScore.allowRequest(`peer-${each}`, 'hello')
    assert.deepEqual([peerScore.score('first'), peerScore.score('second')], [score, 0])
    peerScore.allowRequest('one more', 'hello')
    assert.equal(peerScore.score('first'), 0)
  })
})
