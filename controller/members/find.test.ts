/** Which members a person means by a name, a peer ID or the beginning of one. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { findMembers } from './find.ts'

const one = { name: 'kiosk-1', peer: '12D3KooWAbcdefgh1111' }
const two = { name: 'kiosk-2', peer: '12D3KooWAbcdefgh2222' }
const same = { name: 'kiosk-2', peer: '12D3KooWZzzzzzzz3333' }
const long = { name: '12d3koow-long-name', peer: '12D3KooWYyyyyyyy4444' }
const all = [one, two, same, long]

describe('a member', () => {
  it('is found by its name, its peer ID, or what only its peer ID begins with', () => {
    assert.deepEqual(findMembers(all, ['kiosk-1', one.peer, '12D3KooWAbcdefgh1']), [one])
    assert.deepEqual(findMembers(all, ['12D3KooWZzzzzzzz']), [same])
    assert.deepEqual(findMembers(all, ['12d3koow-long-name']), [long])
  })

  it('is asked for again where several are meant, and with too little of an ID', () => {
    assert.throws(() => findMembers(all, ['kiosk-2']), withCode('ambiguous'))
    assert.throws(() => findMembers(all, ['12D3KooWAbcdefgh']), withCode('ambiguous'))
    assert.throws(() => findMembers(all, ['12D3KooWZzzzzzz']), withCode('unknown-member'))
    assert.throws(() => findMembers(all, ['']), withCode('unknown-member'))
  })
})
