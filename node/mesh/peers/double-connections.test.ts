/** Tests of connections that are one too many. */

import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { crossingMs, doubleMs } from '../limits.ts'
import { holdConnection } from '../transport/held-connections.ts'
import { markPunched } from '../transport/way.ts'
import { DoubleConnections } from './double-connections.ts'

const [low, high] = ['12D3KooWA', '12D3KooWB']
const relayed =
  '/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit/p2p/12D3KooWChVZk57YyNNcgYV6SX2hHpMAJU93WccJMiRS1omgHBeG'
let now = 0
let open: (Connection & { ended: boolean })[] = []

beforeEach(() => {
  now = 0
  open = []
})

function connection(openedAt: number, streams: string[] = [], address = '/ip4/192.0.2.1/tcp/4460') {
  const made = {
    remotePeer: { toString: () => high },
    remoteAddr: multiaddr(address),
    status: 'open',
    timeline: { open: openedAt },
    streams: streams.map(protocol => ({ protocol })),
    ended: false,
    close: async () => {
      made.ended = true
    },
  }
  open.push(made as unknown as (typeof open)[number])
  return made as unknown as (typeof open)[number]
}

function doubles({ own = low, hub = '', member = true } = {}): DoubleConnections {
  return new DoubleConnections({
    host: { getConnections: () => open, peerId: { toString: () => own } as never },
    admission: { member: () => (member ? ({} as never) : undefined) },
    isHub: peer => peer === hub,
    now: () => now,
  })
}

function ends(of: DoubleConnections): boolean[] {
  of.check()
  now += doubleMs
  of.check()
  return open.map(({ ended }) => ended)
}

describe('connections to one peer', () => {
  it('are left alone while there is one', () => {
    connection(1)
    assert.deepEqual(ends(doubles()), [false])
  })

  it('end but for the newest, after a while', () => {
    connection(1)
    connection(2)
    const made = doubles()
    made.check()
    assert.deepEqual(
      open.map(({ ended }) => ended),
      [false, false],
    )
    assert.deepEqual(ends(made), [true, false])
  })

  it('end when only gossip uses them, and stay while anything else does', () => {
    connection(1, ['/meshsub/1.2.0'])
    connection(2, ['/thymesh/swarm/1'])
    connection(3)
    assert.deepEqual(ends(doubles()), [true, false, false])
  })

  it('stay while something rests on them that went on elsewhere', () => {
    const release = holdConnection(connection(1))
    connection(2)
    assert.deepEqual(ends(doubles()), [false, false])
    release()
    release()
    assert.deepEqual(ends(doubles()), [true, false])
  })

  it('end before a dialled one, if they were punched', () => {
    connection(1)
    markPunched(connection(2))
    assert.deepEqual(ends(doubles()), [false, true])
  })

  it('stay if they were opened one after the other: they may be those of two machines with one key', () => {
    connection(1)
    connection(1 + crossingMs)
    assert.deepEqual(ends(doubles()), [false, false])
  })

  it('are not ended by both sides', () => {
    connection(1)
    connection(2)
    assert.deepEqual(ends(doubles({ own: '12D3KooWC' })), [false, false])
  })

  it('stay if one side is a hub, or no member', () => {
    connection(1)
    connection(2)
    assert.deepEqual(ends(doubles({ hub: high })), [false, false])
    assert.deepEqual(ends(doubles({ hub: low })), [false, false])
    assert.deepEqual(ends(doubles({ member: false })), [false, false])
  })

  it('are not ended for a relayed one', () => {
    connection(1)
    connection(2, [], relayed)
    assert.deepEqual(ends(doubles()), [false, false])
  })
})
