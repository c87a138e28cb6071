/** Tests of the controller's own certificate: kept while it is good, renewed and made anew with the members key. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { identityOf } from '../../node/state/identity.ts'
import type { PeerState } from '../../node/state/peer-state.ts'
import { readCertificate } from '../../protocol/members/certificate.ts'
import { verifyMember } from '../../protocol/members/membership.ts'
import { daysAfter, testFleet, testSeed, testSigner } from '../../test/helpers/fleet.ts'
import { ownCertificate } from './certificate.ts'

const fleet = testFleet()
const init = { fleet: fleet.fleet, operator: 'ada', members: async () => [fleet.keys.members], now: fleet.now }

function emptyState(): Pick<PeerState, 'own' | 'identity' | 'age'> {
  let kept: Uint8Array | undefined
  const own = {
    certificate: async () => kept,
    setCertificate: async (envelope: Uint8Array) => {
      kept = envelope
    },
  }
  return {
    identity: identityOf(testSeed('laptop')),
    age: { recipient: 'age1laptop' } as PeerState['age'],
    own: own as unknown as PeerState['own'],
  }
}

describe("the controller's certificate", () => {
  it('makes its peer a member, and is kept', async () => {
    const state = emptyState()
    const envelope = await ownCertificate(state, init)
    const { name, role } = verifyMember(envelope, state.identity.peerId, fleet.authority, fleet.now)
    assert.deepEqual([name, role], ['ada', 'controller'])
    assert.deepEqual(await ownCertificate(state, { ...init, now: daysAfter(fleet.now, 4 * 365 - 1) }), envelope)
  })

  it('is renewed in its last year, under the same name', async () => {
    const state = emptyState()
    const first = readCertificate(await ownCertificate(state, init))
    const now = daysAfter(fleet.now, 4 * 365 + 1)
    const second = readCertificate(await ownCertificate(state, { ...init, operator: 'grace', now }))
    assert.equal(second.name, 'ada')
    assert.ok(second.expires > first.expires && second.issued > first.issued)
  })

  it('is signed by old and new keys, so that it holds before and after the root that names the new ones', async () => {
    const state = emptyState()
    const first = readCertificate(await ownCertificate(state, { ...init, keys: 1 }))
    const rotated = [fleet.keys.members, testSigner('rotated')]
    const more = { ...init, members: async () => rotated, keys: 2 }
    const envelope = await ownCertificate(state, more)
    for (const { publicKey } of rotated) {
      const authority = { ...fleet.authority, keys: [publicKey] }
      const { issued } = verifyMember(envelope, state.identity.peerId, authority, fleet.now)
      assert.ok(issued > first.issued, 'it must rank above the one before')
    }
    assert.deepEqual(await ownCertificate(state, more), envelope)
    // Without a passphrase nobody can say how many there are.
    assert.deepEqual(await ownCertificate(state, init), envelope)
  })
})
