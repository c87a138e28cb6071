/** Tests of names made of other names. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { nameSchema } from '../../protocol/encoding/fields.ts'
import { nameFrom } from './names.ts'

describe('a name that a fleet can have', () => {
  it('keeps what it can', () => {
    assert.deepEqual(['My Fleet', '_ada.l_', 'kiosk-1', '日本', '', '--'].map(nameFrom), [
      'my-fleet',
      'ada-l',
      'kiosk-1',
      'fleet',
      'fleet',
      'fleet',
    ])
  })

  it('is always one', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), text => nameSchema.safeParse(nameFrom(text)).success))
    assert.ok(nameSchema.safeParse(nameFrom(`${'a'.repeat(62)} b`)).success)
  })
})
