/** Tests of meetings: what a NAT is told by, and which of another peer's ends are dialled. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import type { TcpEnd } from '../../../protocol/messages/relay.ts'
import { allowedEnds, lookAtOwnEnds, natOf, planOf } from './meeting.ts'

const own = ['192.0.2.7', '10.0.0.7']

describe('the kind of NAT', () => {
  it('is told by where hubs see one port', () => {
    const seen = (...ports: number[]) => ports.map(port => ({ ip: '198.51.100.1', port }))
    assert.equal(natOf([], 20_000, own), 'unknown')
    assert.equal(natOf(seen(20_000, 20_000), 20_000, own), 'easy')
    assert.equal(natOf(seen(31_000, 31_000), 20_000, own), 'easy')
    assert.equal(natOf(seen(31_000, 31_001), 20_000, own), 'hard')
    assert.equal(natOf(seen(31_000), 20_000, own), 'unknown')
    assert.equal(natOf(seen(20_000), 20_000, own), 'easy')
    assert.equal(natOf([{ ip: '192.0.2.7', port: 20_000 }], 20_000, own), 'none')
    // By one address inside, by another outside: each mapping has its own port.
    assert.equal(natOf([...seen(31_000), { ip: '10.0.0.7', port: 20_000 }], 20_000, own), 'easy')
  })
})

describe('the ends at which hubs see a peer', () => {
  it('are asked of each hub once for a connection, and again for another one', async () => {
    const connections = new Map(['hub-1', 'hub-2'].map(hub => [hub, { hub } as unknown as Connection]))
    const asked: unknown[] = []
    const components = {
      keeper: { connected: ['hub-1', 'hub-2'], fromOwnPort: async (hub: string) => connections.get(hub) as Connection },
      reach: {
        ask: async (connection: Connection) => {
          asked.push(connection)
          return { seen: { ip: '198.51.100.1', port: 31_000 } }
        },
      },
      ownPort: { port: 20_000, isFrom: () => true },
    } as unknown as Parameters<typeof lookAtOwnEnds>[0]
    const known = new WeakMap<Connection, TcpEnd>()
    const first = await lookAtOwnEnds(components, known)
    assert.equal(first.nat, 'easy')
    assert.deepEqual(await lookAtOwnEnds(components, known), first)
    assert.equal(asked.length, 2)
    connections.set('hub-2', {} as Connection)
    await lookAtOwnEnds(components, known)
    assert.deepEqual(asked.slice(2), [connections.get('hub-2')])
    await lookAtOwnEnds(components)
    assert.equal(asked.length, 5, 'whoever keeps nothing asks all')
  })
})

describe('the ends of another peer', () => {
  const port = 20_000
  const there = { ip: '198.51.100.9', port }

  it('are those at which a hub sees it', () => {
    assert.deepEqual(allowedEnds([there, { ip: '203.0.113.5', port: 22 }], there.ip, ['198.51.100.1']), [there])
  })

  it('are none if no hub says where it is', () => {
    assert.deepEqual(allowedEnds([there], undefined, ['198.51.100.1']), [])
  })

  it('are not in our own network if it is elsewhere', () => {
    const near = { ip: '127.0.0.1', port: 22 }
    assert.deepEqual(allowedEnds([near, { ip: '10.0.0.1', port: 80 }], there.ip, ['198.51.100.1']), [])
  })

  it('are never on loopback, not even of a peer behind the same router', () => {
    assert.deepEqual(allowedEnds([{ ip: '127.0.0.1', port: 22 }], there.ip, [there.ip]), [])
  })
})

describe('the plan of a meeting', () => {
  const end = (ip: string, port = 4460) => ({ ip, port })
  const a = end('198.51.100.1')
  const b = end('203.0.113.9')
  const ofA = { ends: [end(a.ip, 20_000)], listens: [end('10.0.0.7')] }
  const ofB = { ends: [end(b.ip, 20_001)], listens: [end('10.9.0.7')] }

  it('is to connect at once behind two NATs', () => {
    const expected = { listens: [], ends: ofB.ends, waits: false }
    const place = { ours: ofA, theirs: ofB, theirIp: b.ip, ourIps: [a.ip] }
    assert.deepEqual(planOf(place, true), expected)
    assert.deepEqual(planOf(place, false), expected)
  })

  it('is that only the hidden side dials a peer that listens openly', () => {
    const open = { ends: ofB.ends, listens: [b] }
    const hidden = { ours: ofA, theirs: open, theirIp: b.ip, ourIps: [a.ip] }
    const listening = { ours: open, theirs: ofA, theirIp: a.ip, ourIps: [b.ip] }
    for (const isLower of [true, false]) {
      assert.deepEqual(planOf(hidden, isLower), { listens: [b], ends: ofB.ends, waits: false })
      assert.deepEqual(planOf(listening, !isLower), { listens: [], ends: ofA.ends, waits: true })
    }
  })

  it('is that the one with the lower peer ID dials, if either can', () => {
    const place = {
      ours: { ends: [], listens: [a] },
      theirs: { ends: [], listens: [b] },
      theirIp: b.ip,
      ourIps: [a.ip],
    }
    assert.deepEqual(planOf(place, true), { listens: [b], ends: [], waits: false })
    assert.deepEqual(planOf(place, false), { listens: [], ends: [], waits: true })
  })
})
