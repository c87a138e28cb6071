/** Tests of join tokens: their text, and the names that they cover. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withCode } from '../../test/helpers/errors.ts'
import { testFleet, testSeed, testSigner } from '../../test/helpers/fleet.ts'
import { FormatError } from '../encoding/cbor.ts'
import { readEnvelope } from '../signing/dsse.ts'
import { formatJoinToken, grantKind, nameMatches, parseJoinToken } from './join-token.ts'

const fleet = testFleet()
const token = fleet.token({ names: 'kiosk-*', bootstrap: ['/ip4/192.0.2.1/tcp/4001'] })
const text = formatJoinToken(token)

describe('join tokens', () => {
  it('are read back from one line of text', () => {
    assert.match(text, /^thymesh-join-1\.[A-Za-z0-9_-]+$/)
    assert.deepEqual(parseJoinToken(text), token)
    assert.deepEqual(parseJoinToken(`  ${text}\n`), token)
  })

  it('hold a grant of the members role for the key of their seed', () => {
    const { document, signedBy } = readEnvelope(grantKind, token.grant)
    assert.deepEqual(document.key, testSigner('token').publicKey)
    assert.deepEqual(token.seed, testSeed('token'))
    assert.equal(signedBy(fleet.keys.members.publicKey), true)
  })

  it('are refused when cut off, mistyped or something else', () => {
    for (const wrong of ['', 'thymesh-join-1', 'thymesh-join-1.', 'thymesh-join-2.AAAA', 'age1qqqq', `x${text}`]) {
      assert.throws(() => parseJoinToken(wrong), withCode('malformed'))
    }
    for (let end = 'thymesh-join-1.'.length; end < text.length; end += 7) {
      assert.throws(() => parseJoinToken(text.slice(0, end)), FormatError)
    }
    fc.assert(
      fc.property(fc.string(), tail => assert.throws(() => parseJoinToken(`thymesh-join-1.${tail}`), FormatError)),
    )
  })

  it('are refused with any one character mistyped, also in a key or a signature', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (let at = 'thymesh-join-1.'.length; at < text.length; at++) {
      const other = letters[(letters.indexOf(text.charAt(at)) + 1 + (at % 63)) % 64]
      const wrong = text.slice(0, at) + other + text.slice(at + 1)
      assert.throws(() => parseJoinToken(wrong), withCode('malformed'), `character ${at}`)
    }
  })

  it('are bounded', () => {
    assert.throws(() => parseJoinToken(`thymesh-join-1.${'A'.repeat(1_000_000)}`), withCode('too-large'))
  })

  it('do not show a mistyped text in full: it may be a secret', () => {
    assert.throws(
      () => parseJoinToken(`thymesh-join-9.${'s'.repeat(100)}`),
      (thrown: Error) => !thrown.message.includes('ssssssssss'),
    )
  })
})

describe('name patterns', () => {
  const cases: [pattern: string, covers: string[], not: string[]][] = [
    ['kiosk-1', ['kiosk-1'], ['kiosk-10', 'kiosk-', 'a-kiosk-1']],
    ['kiosk-*', ['kiosk-1', 'kiosk-'], ['kiosk', 'my-kiosk-1']],
    ['*-kiosk', ['a-kiosk'], ['kiosk', 'a-kiosk-1']],
    ['a*a', ['aa', 'aba'], ['a', 'ab']],
    ['*', ['a', 'anything'], []],
  ]
  for (const [pattern, covers, not] of cases) {
    it(`${pattern} covers what it says`, () => {
      for (const name of covers) assert.equal(nameMatches(pattern, name), true, name)
      for (const name of not) assert.equal(nameMatches(pattern, name), false, name)
    })
  }

  it('are refused in a grant when they have other characters, two stars or no end', () => {
    for (const names of ['', '**', 'a*b*', 'A', 'a.*', '.*', 'a\n', 'a'.repeat(64)]) {
      assert.throws(() => fleet.token({ names }), withCode('malformed'))
    }
  })
})
