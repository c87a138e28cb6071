/** Tests of how peers' behaviour is bounded. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../test/helpers/log.ts'
import { conductRates, faultsPerPeer, faultsPerSecond } from '../limits.ts'
import { Conduct } from './peer-score.ts'

describe('conduct', () => {
  it('lets a peer ask so often, and again after a time', () => {
    let now = 0
    const conduct = new Conduct({ log: silentLogger, drop: () => assert.fail('nobody is dropped'), now: () => now })
    const { most, perSecond } = conductRates.sync
    for (let asked = 0; asked < most; asked++) assert.ok(conduct.allows('peer', 'sync'))
    assert.equal(conduct.allows('peer', 'sync'), false)
    assert.ok(conduct.allows('another', 'sync'), 'each has its own')
    assert.ok(conduct.allows('peer', 'document'), 'of each thing')
    now += 1000 / perSecond
    assert.ok(conduct.allows('peer', 'sync'))
  })

  it('drops a peer with too many faults, and bears some over a long time', () => {
    let now = 0
    const dropped: string[] = []
    const conduct = new Conduct({ log: silentLogger, drop: peer => dropped.push(peer), now: () => now })
    for (let times = 0; times < faultsPerPeer; times++) conduct.fault('peer', 'malformed')
    assert.deepEqual(dropped, [])
    assert.ok(conduct.score('peer') < 0)
    conduct.fault('peer', 'malformed')
    assert.deepEqual(dropped, ['peer'])
    for (let times = 0; times < 100; times++) {
      now += 1000 / faultsPerSecond
      conduct.fault('clumsy', 'malformed')
    }
    assert.deepEqual(dropped, ['peer'])
  })

  it('remembers no more peers than fit', () => {
    const conduct = new Conduct({ log: silentLogger, drop: () => {} })
    conduct.fault('first', 'malformed')
    for (let each = 0; each < 5000; each++) conduct.allows(`peer-${each}`, 'hello')
    assert.equal(conduct.score('first'), -0)
  })
})
