/** Dials: bootstrap peers that are full are asked rarely, and often as long as connections are lacking. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { wantedConnections } from '../limits.ts'
import { DialSupervisor, redialMs } from './dial-supervisor.ts'

const idOf = (word: string) => peerIdOf(testSigner(word).publicKey)
const addressOf = (word: string) => `/ip4/192.0.2.1/tcp/4460/p2p/${idOf(word)}`

/** Whom a supervisor dials at first, with connections to these peers. */
function dialled(bootstrap: readonly string[], connected: readonly string[]): string[] {
  const dials: string[] = []
  const host = {
    peerId: peerIdFromString(idOf('self')),
    addEventListener: () => {},
    getConnections: () =>
      connected.map(word => {
        const remoteAddr = multiaddr(addressOf(word))
        return { remotePeer: peerIdFromString(idOf(word)), remoteAddr, direction: 'outbound' } as Connection
      }),
    dial: async ([address]: { toString(): string }[]) => {
      dials.push(String(address))
      throw new Error('full')
    },
  }
  const parts = { admission: { isRefused: () => false, on: () => {} }, addresses: { peers: () => [] } }
  const supervisor = new DialSupervisor({ host, ...parts, log: silentLogger } as never, {
    bootstrap: bootstrap.map(addressOf),
  })
  supervisor.start()
  supervisor.stop()
  return dials
}

describe('the dial supervisor', () => {
  const many = Array.from({ length: wantedConnections }, (_, at) => `neighbour-${at}`)
  const hubs = ['hub-1', 'hub-2', 'hub-3', 'hub-4']

  it('dials all bootstrap peers while connections are lacking, then two at most', () => {
    assert.equal(dialled(hubs, []).length, 4)
    assert.equal(dialled(hubs, many).length, 2)
    assert.equal(dialled(hubs, [...many, 'hub-1']).length, 1)
    assert.deepEqual(dialled(hubs, [...many, 'hub-1', 'hub-4']), [])
  })

  it('asks a full bootstrap peer 48 times a day at rest, every minute when connections are lacking, and often when alone', () => {
    const timesADay = (has: Parameters<typeof redialMs>[1], isBootstrap = true) => {
      let [times, at] = [0, 0]
      for (; at < 86_400_000; times++) at += redialMs({ failures: times, isBootstrap }, has)
      return times
    }
    assert.ok(timesADay('enough') < 48 + 15, `${timesADay('enough')} times`)
    assert.ok(timesADay('some') > 1400)
    assert.ok(timesADay('some') < 1500)
    assert.ok(timesADay('none') > 8600)
    assert.ok(timesADay('none', false) < 1500, 'members that are away are no bootstrap peers')
  })
})
