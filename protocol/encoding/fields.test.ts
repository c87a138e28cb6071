/** Tests of the small schemas: what is a name, a time, a version. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { z } from 'zod'
import { limits } from '../limits.ts'
import { bytesSchema, messageSchema, nameSchema, systemSchema, timeSchema, timeText, versionSchema } from './fields.ts'

function check(schema: z.ZodType, values: { takes: unknown[]; refuses: unknown[] }): void {
  for (const value of values.takes) assert.equal(schema.safeParse(value).success, true, `takes ${String(value)}`)
  for (const value of values.refuses) assert.equal(schema.safeParse(value).success, false, `refuses ${String(value)}`)
}

describe('fields', () => {
  it('takes DNS labels as names', () => {
    check(nameSchema, {
      takes: ['a', '1', 'kiosk-1', 'a'.repeat(63), 'constructor'],
      refuses: ['', 'A', '-a', 'a-', 'a'.repeat(64), 'a.b', 'a_b', '__proto__', 'a\n', 'ä', 'a/b', '..'],
    })
  })

  it('takes only real times, in one spelling', () => {
    check(timeSchema, {
      takes: ['2026-01-31T12:00:00Z', '2024-02-29T00:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
      refuses: [
        '2026-99-99T00:00:00Z',
        '2026-02-30T00:00:00Z',
        '2025-02-29T00:00:00Z',
        '2026-00-10T00:00:00Z',
        '2026-01-31T24:00:00Z',
        '2026-01-31T23:60:00Z',
        '2026-01-31T23:59:60Z',
        '2026-01-31T12:00:00.000Z',
        '2026-01-31T12:00:00+00:00',
        '2026-01-31 12:00:00Z',
        '2026-01-31',
        'never',
        '',
      ],
    })
  })

  it('writes every moment as a time that it takes, to the second', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), date => {
        const text = timeText(date)
        assert.equal(timeSchema.parse(text), text)
        assert.equal(Date.parse(text), Math.floor(date.getTime() / 1000) * 1000)
      }),
    )
  })

  it('takes whole numbers from 1 as versions', () => {
    check(versionSchema, { takes: [1, 2 ** 48], refuses: [0, -1, 1.5, 2 ** 48 + 1, Number.NaN, Infinity, '1', 1n] })
  })

  it('takes bytes of the right length only', () => {
    check(bytesSchema(2, 3), {
      takes: [new Uint8Array(2), Buffer.alloc(3)],
      refuses: [new Uint8Array(1), new Uint8Array(4), [1, 2], 'ab', new Uint16Array(2), new ArrayBuffer(2)],
    })
  })

  it('bounds texts', () => {
    check(messageSchema, { takes: ['', 'a'.repeat(limits.message)], refuses: ['a'.repeat(limits.message + 1)] })
    check(systemSchema, { takes: ['x86_64-linux', 'aarch64-linux'], refuses: ['linux', 'x86-64-linux', ''] })
  })
})
