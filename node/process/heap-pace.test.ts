/** The heap grows while anyone moves closures, and is as small as before when the last is done. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeapPace } from './heap-pace.ts'

describe('the pace of collections', () => {
  it('is slower from the first who moves anything to the last', () => {
    const flags: string[] = []
    const pace = new HeapPace(flag => flags.push(flag))
    const [endOne, endOther] = [pace.collectLate(), pace.collectLate()]
    endOne()
    endOne()
    assert.deepEqual(flags, ['--heap-growing-percent=60'])
    endOther()
    assert.deepEqual(flags, ['--heap-growing-percent=60', '--heap-growing-percent=0'])
  })

  it('is slower again for the next', () => {
    const flags: string[] = []
    const pace = new HeapPace(flag => flags.push(flag))
    pace.collectLate()()
    pace.collectLate()()
    assert.equal(flags.length, 4)
  })
})
