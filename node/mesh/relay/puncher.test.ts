/** Tests of when meetings are tried: a few times over one relayed connection, and anew over the next one. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { until } from '../../../test/helpers/until.ts'
import { punchTries } from '../limits.ts'
import { Puncher, type PuncherComponents } from './puncher.ts'

const [self, peer, hub] = ['self', 'peer', 'hub'].map(word => peerIdOf(testSigner(word).publicKey)) as [
  string,
  string,
  string,
]

/** A relayed connection to the peer, over which no meeting comes about. */
function relayedTo(asked: Connection[]): Connection {
  const connection = {
    status: 'open',
    direction: 'outbound',
    remotePeer: peerIdFromString(peer),
    remoteAddr: multiaddr(`/p2p/${hub}/p2p-circuit/p2p/${peer}`),
    streams: [],
    newStream: async () => {
      asked.push(connection)
      throw new Error('nobody there')
    },
  } as unknown as Connection
  return connection
}

test('a meeting is tried some times over a connection, and anew over another one', async () => {
  let now = 1000
  let there: Connection[] = []
  const asked: Connection[] = []
  const puncher = new Puncher({
    host: { peerId: peerIdFromString(self), getConnections: () => there },
    keeper: { connected: [] },
    ownPort: { port: 20_000 },
    names: { punch: '/punch' },
    admission: Object.assign(new EventEmitter(), { member: () => ({}) }),
    seenAt: () => undefined,
    log: silentLogger,
    now: () => now,
  } as unknown as PuncherComponents)
  let missed = 0
  puncher.on('missed', () => missed++)
  /** Looks once a second, as the timer does. */
  const seconds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      now += 1000
      puncher.check()
      await until(() => missed === asked.length, 'the try to end')
    }
  }
  const [first, second] = [relayedTo(asked), relayedTo(asked)]
  there = [first]
  await seconds(20)
  assert.deepEqual(asked, Array(punchTries).fill(first))
  // It came again before anybody saw that it had gone.
  there = [second]
  await seconds(20)
  assert.deepEqual(asked.slice(punchTries), Array(punchTries).fill(second))
})
