/** Waits for a key: woken or late, bounded for each key, and nothing is left of them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KeyWaits } from './key-waits.ts'

const limitMs = 1000

function scene() {
  const held = new Set<string>()
  const waits = new KeyWaits({ mostPerKey: 2, limitMs })
  return { held, waits, until: (key: string) => waits.until(key, () => held.has(key)) }
}

describe('waits for a key', () => {
  it('end when it is woken, all of that key and no others', async () => {
    const { held, waits, until } = scene()
    const both = Promise.all([until('a'), until('a')])
    const other = until('b')
    held.add('a').add('b')
    waits.wake('a')
    assert.deepEqual(await both, [true, true])
    assert.equal(waits.size, 1)
    waits.wake('b')
    assert.equal(await other, true)
    assert.equal(waits.size, 0)
    assert.equal(await until('a'), true, 'at once, since it holds')
  })

  it('end in vain: woken without reason, or after their time', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { waits, until } = scene()
    const woken = until('a')
    waits.wake('a')
    assert.equal(await woken, false)
    const late = until('a')
    t.mock.timers.tick(limitMs)
    assert.equal(await late, false)
    assert.equal(waits.size, 0)
  })

  it('are bounded for each key, and end when all stops', async () => {
    const { held, waits, until } = scene()
    const waiting = [until('a'), until('a'), until('b')]
    assert.equal(await until('a'), false)
    held.add('b')
    waits.stop()
    assert.deepEqual(await Promise.all(waiting), [false, false, true])
    assert.equal(await until('c'), false)
    assert.equal(await until('b'), true)
  })
})
