/** Dials through hubs that several callers share: none of them ends it for the others. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { RelayedPeers, type RelayedPeersComponents } from './relayed-peers.ts'

const peer = peerIdOf(testSigner('far').publicKey)

/** A hub that answers when it is told to. */
function scene() {
  const asked: { signal: AbortSignal; answer: (connection: Connection) => void }[] = []
  const components = {
    host: { peerId: { toString: () => 'we' }, getConnections: () => [] },
    keeper: { isConnected: () => true, dial: async () => true },
    hubs: () => ['hub'],
    transport: {
      connect: async (_hub: string, _peer: string, signal: AbortSignal) => {
        const { promise, resolve, reject } = Promise.withResolvers<Connection>()
        signal.addEventListener('abort', () => reject(signal.reason))
        asked.push({ signal, answer: resolve })
        return await promise
      },
    },
    log: silentLogger,
  } as unknown as RelayedPeersComponents
  return { peers: new RelayedPeers(components), asked }
}

const turn = () => new Promise(resolve => setImmediate(resolve))
const connection = {} as Connection

describe('a dial through a hub', () => {
  it('goes on for who joined it, when its first caller has left', async () => {
    const { peers, asked } = scene()
    const leaving = new AbortController()
    const first = peers.dial(peer, leaving.signal)
    const second = peers.dial(peer, new AbortController().signal)
    await turn()
    leaving.abort()
    assert.equal(await first, undefined)
    assert.equal(asked[0]?.signal.aborted, false)
    asked[0]?.answer(connection)
    assert.equal(await second, connection)
    assert.equal(asked.length, 1)
    // Whoever leaves later must not end the connection.
    assert.equal(asked[0]?.signal.aborted, false)
  })

  it('ends when nobody waits for it any more, and the next one begins anew', async () => {
    const { peers, asked } = scene()
    const callers = [new AbortController(), new AbortController()]
    const dials = callers.map(({ signal }) => peers.dial(peer, signal))
    await turn()
    for (const each of callers) each.abort()
    assert.deepEqual(await Promise.all(dials), [undefined, undefined])
    assert.equal(asked[0]?.signal.aborted, true)
    const next = peers.dial(peer, new AbortController().signal)
    await turn()
    asked[1]?.answer(connection)
    assert.equal(await next, connection)
  })

  it('is none for who has left already', async () => {
    const { peers, asked } = scene()
    assert.equal(await peers.dial(peer, AbortSignal.abort()), undefined)
    assert.equal(asked.length, 0)
  })
})
