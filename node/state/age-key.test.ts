/** age's keys as text, beside those of the age package. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { withCode } from '../../test/helpers/errors.ts'
import { ageRecipientOf, newAgeIdentity } from './age-key.ts'

const malformed = withCode('malformed')

describe('an age identity', () => {
  it('is one for the age package, and has the same recipient', async () => {
    for (let each = 0; each < 20; each++) {
      const ours = newAgeIdentity()
      assert.equal(ageRecipientOf(ours), await identityToRecipient(ours))
      const theirs = await generateX25519Identity()
      assert.equal(ageRecipientOf(theirs), await identityToRecipient(theirs))
    }
  })

  it('is new each time', () => {
    assert.notEqual(newAgeIdentity(), newAgeIdentity())
  })

  it('is refused when a letter is another, missing or too many', () => {
    const identity = newAgeIdentity()
    const letters = 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'
    fc.assert(
      fc.property(fc.nat({ max: identity.length - 1 }), fc.constantFrom(...letters), (at, letter) => {
        const changed = identity.slice(0, at) + letter + identity.slice(at + 1)
        if (changed !== identity) assert.throws(() => ageRecipientOf(changed), malformed)
        assert.throws(() => ageRecipientOf(identity.slice(0, at)), malformed)
        assert.throws(() => ageRecipientOf(identity + letter), malformed)
      }),
    )
  })

  it('is no recipient, no text in small letters, and no key of another kind', () => {
    const identity = newAgeIdentity()
    for (const other of ['', 'AGE-SECRET-KEY-1', ageRecipientOf(identity), identity.toLowerCase()]) {
      assert.throws(() => ageRecipientOf(other), malformed)
    }
  })
})
