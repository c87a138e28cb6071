/** Places for connections: by address before admission, by token after it. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { ConnectionPlaces } from './connection-places.ts'

/** Places for two members and two strangers, whose connections all stay open unless they lose their place. */
function scene() {
  const aborted: string[] = []
  const dismissed: string[] = []
  const groups = new Map<string, string>()
  const subjectOf = (peer: PeerId) => ({ peer: `${peer}`, group: groups.get(`${peer}`) ?? `${peer}` })
  const dismiss = (peer: PeerId) => dismissed.push(`${peer}`)
  const places = new ConnectionPlaces(
    { host: { getConnections: () => [] }, subjectOf, dismiss },
    { members: 2, strangers: 2 },
  )
  const connection = (word: string, address: string, direction = 'inbound'): Connection => {
    const peer = peerIdFromString(peerIdOf(testSigner(word).publicKey))
    const remoteAddr = multiaddr(`/ip4/${address}/tcp/1`)
    return { remotePeer: peer, remoteAddr, direction, abort: () => aborted.push(word) } as unknown as Connection
  }
  return { places, connection, aborted, dismissed, groups, subjectOf }
}

it('strangers of one address wait for each other, not those of another one', t => {
  const { places, connection, aborted } = scene()
  let now = 0
  t.mock.method(performance, 'now', () => now)
  assert.ok(places.opened(connection('a', '10.0.0.1')))
  assert.ok(places.opened(connection('b', '10.0.0.1')))
  assert.equal(places.opened(connection('c', '10.0.0.1')), false)
  assert.ok(places.opened(connection('ours', '10.0.0.1', 'outbound')))
  now = 3_000
  assert.ok(places.opened(connection('d', '10.0.0.2')))
  assert.deepEqual(aborted, ['c', 'a'])
})

it('a member of another token takes the place of one of a crowd, and leaves its own as a stranger', () => {
  const { places, connection, dismissed, groups, subjectOf } = scene()
  const admit = (word: string, group?: string) => {
    const each = connection(word, '10.0.0.1')
    assert.ok(places.opened(each))
    if (group !== undefined) groups.set(`${each.remotePeer}`, group)
    const admitted = places.admitted(each, subjectOf(each.remotePeer))
    if (!admitted) places.closed(each)
    return admitted
  }
  assert.ok(admit('a', 'token') && admit('b', 'token'))
  assert.equal(admit('c', 'token'), false)
  assert.ok(admit('d'))
  assert.equal(dismissed.length, 1)
  assert.equal(admit('e'), false)
})
