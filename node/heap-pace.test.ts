/** The heap grows while anyone moves closures, and is as small as before when the last is done. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeapPace } from './heap-pace.ts'

describe('the pace of collections', () => {
  it('is slower from the first who moves anything to the last', () => {
    const flags: string[] = []
    const pace = new HeapPace(flag => flags.push(flag), ['--as-before'])
    const [endOne, endOther] = [pace.collectLate(), pace.collectLate()]
    endOne()
    endOne()
    assert.ok(flags.includes('--heap-growing-percent=60'))
    assert.ok(!flags.includes('--as-before'))
    const count = flags.length
    endOther()
    assert.deepEqual(flags.slice(count), ['--as-before'])
  })

  it('is slower again for the next', () => {
    const flags: string[] = []
    const pace = new HeapPace(flag => flags.push(flag), ['--as-before'])
    pace.collectLate()()
    const once = flags.length
    pace.collectLate()()
    assert.equal(flags.length, 2 * once)
  })
})
