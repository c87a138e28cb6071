/** What to expect of an error, for `assert.throws` and `assert.rejects`. */

import assert from 'node:assert/strict'
import { ThymeshError } from '../../protocol/errors.ts'

/** Matches a ThymeshError of this code. */
export function withCode(code: string) {
  return (thrown: unknown): true => {
    assert.ok(thrown instanceof ThymeshError, `expected a ThymeshError, got ${String(thrown)}`)
    assert.equal(thrown.code, code, thrown.message)
    return true
  }
}
