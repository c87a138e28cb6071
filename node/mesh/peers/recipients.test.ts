/** Tests of whom secrets are encrypted to. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readCertificate } from '../../../protocol/members/certificate.ts'
import { testFleet, testSigner } from '../../../test/helpers/fleet.ts'
import { memberRecipients } from './recipients.ts'

it('lists recipients by name, and who chose a name with a token only', () => {
  const fleet = testFleet()
  const token = fleet.token()
  const certificates = [
    fleet.certify(testSigner('a'), { name: 'kiosk', age: 'age1a' }),
    fleet.join(token, testSigner('b'), { name: 'kiosk', age: 'age1b' }),
    fleet.certify(testSigner('c'), { name: 'older' }),
  ].map(readCertificate)
  const found = memberRecipients(certificates)
  assert.deepEqual(
    found.get('kiosk')?.map(({ recipient, provisional }) => [recipient, provisional]),
    [
      ['age1a', false],
      ['age1b', true],
    ],
  )
  assert.equal(found.get('older')?.[0]?.recipient, undefined)
  assert.equal(found.get('nobody'), undefined)
})
