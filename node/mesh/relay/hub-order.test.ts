/** Tests of the order of hubs: the same everywhere, spread evenly, and steady when one goes. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hubsInOrder } from './hub-order.ts'

const hubs = ['hub-1', 'hub-2', 'hub-3', 'hub-4']
const peers = Array.from({ length: 400 }, (_, at) => `peer-${at}`)

describe('the order of hubs', () => {
  it('is the same for all that compute it, and leaves the peer itself out', () => {
    assert.deepEqual(hubsInOrder('peer-1', hubs), hubsInOrder('peer-1', hubs.toReversed()))
    assert.equal(hubsInOrder('hub-1', hubs).includes('hub-1'), false)
  })

  it('spreads peers over all hubs', () => {
    for (const hub of hubs) {
      const first = peers.filter(peer => hubsInOrder(peer, hubs)[0] === hub).length
      assert.ok(first > 60 && first < 140, `${hub}: ${first}`)
    }
  })

  it('stays as it is for the others when one hub goes', () => {
    for (const peer of peers) {
      assert.deepEqual(
        hubsInOrder(peer, hubs).filter(hub => hub !== 'hub-2'),
        hubsInOrder(peer, ['hub-1', 'hub-3', 'hub-4']),
      )
    }
  })
})
