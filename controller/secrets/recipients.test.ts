/** Tests of recipients: secrets go to members that the registrar would trust. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readCertificate } from '../../protocol/members/certificate.ts'
import { daysAfter, testFleet, testNow, testSigner } from '../../test/helpers/fleet.ts'
import { recipientsOf } from './recipients.ts'

const fleet = testFleet()
const token = fleet.token()
const [own, other] = await Promise.all(
  [0, 1].map(async () => await identityToRecipient(await generateX25519Identity())),
)
const none = { revoked: new Set<string>(), held: new Set<string>(), now: testNow }
const of = (envelopes: Uint8Array[], view = none) =>
  recipientsOf({ certificates: envelopes.map(readCertificate), ...view }).get('kiosk') ?? []

describe('recipients of secrets', () => {
  const signed = fleet.certify(testSigner('a'), { name: 'kiosk', age: own ?? '' })

  it('are the members of a name, those of a join token among them', () => {
    assert.deepEqual(of([signed]), [own])
    assert.deepEqual(of([fleet.join(token, testSigner('b'), { name: 'kiosk', age: other ?? '' })]), [other])
  })

  it('are no namesakes whom only a join token vouches for', () => {
    const namesakes = ['b', 'c'].map(word => fleet.join(token, testSigner(word), { name: 'kiosk', age: other ?? '' }))
    assert.deepEqual(of([signed, ...namesakes]), [own])
    assert.deepEqual(of(namesakes), [])
  })

  it('are none that were revoked, have expired or wait for a decision', () => {
    const { peer } = readCertificate(signed)
    assert.deepEqual(of([signed], { ...none, revoked: new Set([peer]) }), [])
    assert.deepEqual(of([signed], { ...none, held: new Set([peer]) }), [])
    assert.deepEqual(of([signed], { ...none, now: daysAfter(testNow, 366) }), [])
  })

  it('are recipients: what only looks like one blocks nobody', () => {
    const garbage = fleet.certify(testSigner('d'), { name: 'kiosk', age: 'age1garbage' })
    assert.deepEqual(of([garbage, signed]), [own])
  })
})
