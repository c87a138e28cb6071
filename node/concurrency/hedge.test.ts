/** Hedged requests: late sources cost a moment, and a slow but steady one is left in peace. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Attempt, type HedgeInit, hedge } from './hedge.ts'

const usual: HedgeInit = { silentMs: 1_000, slowestBytesPerMs: 4, most: 3 }
const turn = () => new Promise(resolve => setImmediate(resolve))

/** Sources that answer when the test says so. */
function scene(t: TestContext, names: string, init: Partial<HedgeInit> = {}) {
  let time = 0
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked = new Map<string, Attempt & PromiseWithResolvers<string | undefined>>()
  const done = hedge(
    names,
    (name, attempt) => {
      const answer = Promise.withResolvers<string | undefined>()
      asked.set(name, { ...attempt, ...answer })
      return answer.promise
    },
    { ...usual, now: () => time, ...init },
  )
  done.catch(() => {})
  const forward = async (milliseconds: number) => {
    time += milliseconds
    t.mock.timers.tick(milliseconds)
    await turn()
  }
  return { asked, done, forward, names: () => [...asked.keys()].join('') }
}

describe('hedge', () => {
  it('asks one source after another while each says that it has nothing', async t => {
    const { asked, done, names } = scene(t, 'abc')
    assert.equal(names(), 'a')
    asked.get('a')?.resolve(undefined)
    await turn()
    asked.get('b')?.reject(new Error('gone'))
    await turn()
    asked.get('c')?.resolve('found')
    assert.deepEqual(await done, { result: 'found', late: [] })
    assert.equal(names(), 'abc')
  })

  it('asks the next beside a silent one, takes what is first, and ends the others', async t => {
    const { asked, done, forward, names } = scene(t, 'abc')
    await forward(999)
    assert.equal(names(), 'a')
    await forward(1)
    assert.equal(names(), 'ab')
    asked.get('b')?.resolve('found')
    assert.deepEqual(await done, { result: 'found', late: ['a'] })
    assert.equal(asked.get('a')?.signal.aborted, true)
  })

  it('waits for one that is slow and steady, not for one that sends bytes now and then', async t => {
    const { asked, forward, names } = scene(t, 'abc')
    for (let second = 0; second < 20; second++) {
      asked.get('a')?.progress(4_000)
      await forward(900)
    }
    assert.equal(names(), 'a')
    await forward(1_000)
    for (let second = 0; second < 2; second++) {
      asked.get('b')?.progress(1)
      await forward(900)
    }
    assert.equal(names(), 'abc')
  })

  it('gives up the one that was asked first for a further one, and takes a late answer', async t => {
    const { asked, done, forward, names } = scene(t, 'abcd')
    for (let second = 0; second < 3; second++) await forward(1_000)
    assert.equal(names(), 'abcd')
    assert.equal(asked.get('a')?.signal.aborted, true)
    asked.get('b')?.resolve('found')
    assert.deepEqual(await done, { result: 'found', late: ['a', 'c'] })
  })

  it('has no result where no source has one', async t => {
    const { asked, done } = scene(t, 'a')
    asked.get('a')?.resolve(undefined)
    assert.deepEqual(await done, { result: undefined, late: [] })
    assert.deepEqual(await hedge([], async () => 1, usual), { result: undefined, late: [] })
  })

  it('ends with its signal, and so do all requests', async t => {
    const stop = new AbortController()
    const { asked, done } = scene(t, 'ab', { signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(done, /enough/)
    assert.equal(asked.get('a')?.signal.aborted, true)
  })
})
