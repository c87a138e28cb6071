/** Expected errors, for `assert.throws` and `assert.rejects`. */

import assert from 'node:assert/strict'
import { ThymeshError } from '../../protocol/errors.ts'

/** Matches a ThymeshError of this code, and of a message like `said`. */
export function withCode(code: string, said?: RegExp) {
  return (thrown: unknown): true => {
    assert.ok(thrown instanceof ThymeshError, `expected a ThymeshError, got ${String(thrown)}`)
    assert.equal(thrown.code, code, thrown.message)
    if (said !== undefined) assert.match(thrown.message, said)
    return true
  }
}
