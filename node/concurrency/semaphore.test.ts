/** Permits: in turn, given back once, and never lost to one that leaves. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AbortRace } from './abort-race.ts'
import { Semaphore } from './semaphore.ts'

const always = new AbortRace(new AbortController().signal)

describe('Semaphore', () => {
  it('gives permits in turn, also past those that leave the line', async () => {
    const semaphore = new Semaphore(1)
    const release = await semaphore.acquire(always)
    const leaving = new AbortController()
    const race = new AbortRace(leaving.signal)
    const [left, third] = [semaphore.acquire(race), semaphore.acquire(always)]
    leaving.abort(new Error('gone'))
    await assert.rejects(left, /gone/)
    release()
    // A second time does nothing: the permit is the third's now.
    release()
    const releaseThird = await third
    const fourth = semaphore.acquire(always)
    releaseThird()
    ;(await fourth)()
    await assert.rejects(semaphore.acquire(race), /gone/)
  })

  it('does as many things at a time as there are permits', async () => {
    const semaphore = new Semaphore(3)
    let running = 0
    let most = 0
    const work = async () => {
      const release = await semaphore.acquire(always)
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      release()
    }
    await Promise.all(Array.from({ length: 10 }, work))
    assert.equal(most, 3)
  })

  it('hands on a permit that comes in the moment of the abort', async () => {
    const semaphore = new Semaphore(1)
    const release = await semaphore.acquire(always)
    const leaving = new AbortController()
    const left = semaphore.acquire(new AbortRace(leaving.signal))
    leaving.abort(new Error('gone'))
    release()
    await assert.rejects(left, /gone/)
    ;(await semaphore.acquire(always))()
  })
})
