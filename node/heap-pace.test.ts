/** The heap's pace is V8's own again when the last who wanted another one is done. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collectLate } from './heap-pace.ts'
import { fullCollections } from './heap-pace-probe.ts'

describe('the pace of collections', () => {
  it('is slower while anything moves, and as before afterwards', async () => {
    const before = await fullCollections()
    const [endOne, endOther] = [collectLate(), collectLate()]
    endOne()
    endOne()
    const during = await fullCollections()
    endOther()
    const after = await fullCollections()
    assert.ok(during < before, `${during} collections, without it ${before}`)
    assert.ok(after > during, `${after} collections afterwards, with it ${during}`)
  })
})
