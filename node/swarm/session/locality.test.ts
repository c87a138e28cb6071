/** Tests of locality: labels count first, then the network of an address, then the round-trip time. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Certificate } from '../../../protocol/members/certificate.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testSigner } from '../../../test/helpers/fleet.ts'
import { isLocal, isNear } from './locality.ts'

const at = (site?: string) => ({ site }) as Certificate
const over = (address: string, rtt?: number) => ({ remoteAddr: multiaddr(address), rtt }) as Connection

it('labels decide where one has one', () => {
  const near = over('/ip4/127.0.0.1/tcp/1')
  assert.equal(isLocal(at('north'), at('north'), over('/ip4/203.0.113.1/tcp/1')), true)
  assert.equal(isLocal(at('north'), at('south'), near), false)
  assert.equal(isLocal(at('north'), at(), near), false)
  assert.equal(isLocal(at(), at('north'), near), false)
})

it('what comes by a hub is elsewhere, whatever the labels say', () => {
  const [hub, peer] = ['hub', 'peer'].map(word => peerIdOf(testSigner(word).publicKey))
  assert.equal(isLocal(at('north'), at('north'), over(`/p2p/${hub}/p2p-circuit/p2p/${peer}`, 1)), false)
})

it('what is near does not use the uplink: an own network without a hub that answers fast', () => {
  const [hub, peer] = ['hub', 'peer'].map(word => peerIdOf(testSigner(word).publicKey))
  assert.equal(isNear(over('/ip4/127.0.0.1/tcp/1', 1)), true)
  assert.equal(isNear(over('/ip4/127.0.0.1/tcp/1', 80)), false)
  assert.equal(isNear(over('/ip4/127.0.0.1/tcp/1')), false)
  assert.equal(isNear(over('/ip4/203.0.113.1/tcp/1', 1)), false)
  assert.equal(isNear(over(`/p2p/${hub}/p2p-circuit/p2p/${peer}`, 1)), false)
  assert.equal(isNear(undefined), false)
})

it('without labels, an own network is local', () => {
  assert.equal(isLocal(at(), at(), over('/ip4/127.0.0.1/tcp/1')), true)
  assert.equal(isLocal(at(), at(), over('/ip6/::1/tcp/1')), true)
  assert.equal(isLocal(at(), at(), over('/ip6/::ffff:127.0.0.1/tcp/1')), true)
})

it('a routed private address is local when it answers fast', () => {
  // Networks that no machine of a test has an address in.
  for (const address of ['/ip4/10.253.254.1/tcp/1', '/ip6/fd12:3456:789a::1/tcp/1']) {
    assert.equal(isLocal(at(), at(), over(address, 3)), true, address)
    assert.equal(isLocal(at(), at(), over(address, 80)), false, address)
    assert.equal(isLocal(at(), at(), over(address)), false, address)
  }
})

it('a link-local address is one behind its zone', () => {
  assert.equal(isLocal(at(), at(), over('/ip6zone/eth9/ip6/fe80::1/tcp/1', 3)), true)
})

it('public addresses, names and lost connections are elsewhere', () => {
  assert.equal(isLocal(at(), at(), over('/ip4/203.0.113.1/tcp/1', 1)), false)
  assert.equal(isLocal(at(), at(), over('/dns4/localhost/tcp/1', 1)), false)
  assert.equal(isLocal(at(), at(), undefined), false)
})
