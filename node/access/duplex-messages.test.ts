/** Bytes of a stream that come in parts: they are waited for without keeping the process busy. */

import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { withCode } from '../../test/helpers/errors.ts'
import { exactly } from './duplex-messages.ts'

describe('bytes of a stream', () => {
  it('are waited for where a part of them is there, and other work goes on meanwhile', async () => {
    const [one, other] = duplexPair()
    other.write('abc')
    const read = exactly(one, 5, new AbortController().signal)
    await new Promise(resolve => setImmediate(resolve))
    other.write('defg')
    assert.equal((await read).toString(), 'abcde')
    assert.equal((await exactly(one, 2, new AbortController().signal)).toString(), 'fg')
  })

  it('that do not come end with the signal, or with the stream', async () => {
    const [one, other] = duplexPair()
    other.write('abc')
    const abort = new AbortController()
    const read = exactly(one, 5, abort.signal)
    setImmediate(() => abort.abort(new Error('late')))
    await assert.rejects(read, /late/)
    other.end('d')
    await assert.rejects(exactly(one, 5, new AbortController().signal), withCode('ended'))
  })
})
