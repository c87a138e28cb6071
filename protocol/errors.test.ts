/** Tests of the one error shape. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messageOf, ThymeshError } from './errors.ts'

class SampleError extends ThymeshError<'sample'> {}

describe('errors', () => {
  it('carry code, hint, cause and the name of their class', () => {
    const cause = new Error('below')
    const error = new SampleError('sample', 'expected a, got b', { hint: 'Give a.', cause })
    assert.ok(error instanceof ThymeshError)
    assert.deepEqual(
      [error.name, error.code, error.message, error.hint, error.cause],
      ['SampleError', 'sample', 'expected a, got b', 'Give a.', cause],
    )
    assert.equal('cause' in new SampleError('sample', 'no cause'), false)
  })

  it('have a message, whatever was thrown', () => {
    assert.deepEqual([messageOf(new Error('a')), messageOf('b'), messageOf(undefined)], ['a', 'b', 'undefined'])
  })
})
