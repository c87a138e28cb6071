/** Words for fingerprints: the ones of BIP 39, of 128 bits. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fingerprintWords } from './fingerprint.ts'

it("gives BIP 39's words for the first 128 bits", () => {
  // Vectors of BIP 39 for 128 bits.
  assert.equal(fingerprintWords('00'.repeat(32)), `${'abandon '.repeat(11)}about`)
  assert.equal(
    fingerprintWords('7f'.repeat(16).padEnd(64, '0')),
    'legal winner thank year wave sausage worth useful legal winner thank yellow',
  )
})

it('differs when one of 128 bits does', () => {
  assert.notEqual(fingerprintWords(`01${'00'.repeat(31)}`), fingerprintWords('00'.repeat(32)))
})
