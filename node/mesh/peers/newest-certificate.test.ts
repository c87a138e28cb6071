/** Tests of which certificate of a connected peer counts. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readCertificate } from '../../../protocol/members/certificate.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { testFleet, testNow, testSigner } from '../../../test/helpers/fleet.ts'
import { type Member, verifyNewest } from './newest-certificate.ts'

it('of two certificates of one second, the one that all peers keep counts, whichever the peer presents', () => {
  const fleet = testFleet()
  const device = testSigner('device')
  const peer = { toString: () => peerIdOf(device.publicKey) } as Member['peer']
  const [smaller, larger] = ['kiosk-1', 'kiosk-2'].map(name => fleet.certify(device, { name })).sort(Buffer.compare)
  assert.ok(smaller && larger)
  const nameBy = (presented: Uint8Array, told: Uint8Array) => {
    const known = () => ({ certificate: readCertificate(told), envelope: told })
    const components = { clock: { reference: testNow } as never, authority: () => fleet.authority, known }
    return verifyNewest(components, presented, peer).certificate.name
  }
  const expected = readCertificate(larger).name
  assert.equal(nameBy(smaller, larger), expected)
  assert.equal(nameBy(larger, smaller), expected)
})
