/** Several fetches share one budget: none exceeds it, none fails for it, and all end. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { ChunkedClosure, memoryPath } from '../../../test/helpers/chunked-closure.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { MemoryStaging } from '../../../test/helpers/memory-staging.ts'
import { noise, storePath } from '../../../test/helpers/planted-nar.ts'
import { StagingBudget } from './staging-budget.ts'

/** Two paths with a file each, and two that share one. */
const sizes = [9_000_000, 9_000_000, 2_000_000, 3_000_000]
const closure = ChunkedClosure.of(sizes.map((size, i) => memoryPath(storePath(`${i}`), noise(`room ${i}`, size))))
const none = new AbortController().signal
const bytes = new Uint8Array()

async function scene(budgetBytes: number, staged: (chunks: number[][]) => number[] = () => []) {
  const { list } = await closure
  const chunks = list.paths.map(path => [...path.chunks])
  const staging = new MemoryStaging(list, staged(chunks))
  const evicted: number[] = []
  const init = { budgetBytes, onEvicted: (numbers: readonly number[]) => evicted.push(...numbers) }
  const budget = new StagingBudget(staging.components, init)
  return { list, chunks, staging, evicted, budget, of: (path: number) => chunks[path] ?? [] }
}

/** Whether a promise has resolved by now. */
async function isGranted(promise: Promise<void>): Promise<boolean> {
  let granted = false
  promise.then(
    () => {
      granted = true
    },
    () => {},
  )
  await turn()
  return granted
}

describe('room for what is in flight', () => {
  it('is waited for, in turn, until another fetch gives it back', async () => {
    const { budget, of } = await scene(10_000_000)
    const [a, b, c] = [budget.reserve(), budget.reserve(), budget.reserve()]
    await a.hold(of(0), none)
    const second = b.hold(of(1), none)
    const third = c.hold(of(2), none)
    assert.deepEqual([await isGranted(second), await isGranted(third)], [false, false])
    a.end()
    assert.deepEqual([await isGranted(second), await isGranted(third)], [true, false])
    b.end()
    await third
  })

  it('is shared by fetches of the same chunks, at once, whoever waits', async () => {
    const { budget, of } = await scene(10_000_000)
    const [a, b, c] = [budget.reserve(), budget.reserve(), budget.reserve()]
    await a.hold(of(0), none)
    const waits = b.hold(of(1), none)
    await c.hold(of(0), none)
    assert.deepEqual(a.end(), [], 'the other one still needs them')
    assert.equal(await isGranted(waits), false)
    assert.deepEqual(c.end(), of(0))
    await waits
  })

  it('comes from what nobody claims, and never from what somebody does', async () => {
    const { budget, of, staging } = await scene(15_000_000, chunks => [...(chunks[0] ?? []), ...(chunks[2] ?? [])])
    const a = budget.reserve()
    await a.hold(of(2), none)
    const b = budget.reserve()
    await b.hold(of(1), none)
    assert.deepEqual(staging.evicted, [0])
    assert.ok(of(2).every(number => budget.has(number)))
    assert.ok(budget.bytes <= 15_000_000)
  })

  it('comes from a file of its own where nothing else is left', async () => {
    const { budget, of, staging, evicted } = await scene(4_000_000, chunks => chunks[2] ?? [])
    await budget.reserve().hold(of(3), none)
    assert.deepEqual(staging.evicted, [2])
    assert.deepEqual(evicted, of(2), 'others are told what went')
  })

  it('that there can never be is refused, with what it would take', async () => {
    const { budget, of } = await scene(5_000_000)
    await assert.rejects(budget.reserve().hold(of(0), none), withCode('budget-too-small'))
  })

  it('is not waited for by a client that has gone', async () => {
    const { budget, of } = await scene(10_000_000)
    const [a, b, c] = [budget.reserve(), budget.reserve(), budget.reserve()]
    await a.hold(of(2), none)
    const gone = new AbortController()
    const waits = b.hold(of(1), gone.signal)
    const behind = c.hold(of(3), none)
    assert.equal(await isGranted(behind), false)
    gone.abort(new Error('the client has gone'))
    await assert.rejects(waits, /the client has gone/)
    await behind
  })

  it('is taken back from a fetch that yields, and only for one that does not', async () => {
    const { budget, of } = await scene(10_000_000)
    const taken: number[] = []
    const stalled = budget.reservePreemptible(chunks => taken.push(...chunks))
    await stalled.hold(of(0), none)
    const other = budget.reservePreemptible(() => {})
    const waits = other.hold(of(2), none)
    assert.equal(await isGranted(waits), false)
    const closure = budget.reserve()
    await closure.hold(of(1), none)
    assert.deepEqual(taken, of(0))
    assert.equal(stalled.chunks.size, 0)
    assert.equal(stalled.tryHold(of(0).slice(0, 40)), false)
    const again = stalled.hold(of(0), none)
    closure.end()
    assert.deepEqual([await isGranted(waits), await isGranted(again)], [true, false])
    other.end()
    await again
  })

  it('is taken by a chunk that nobody claims only where some is left', async () => {
    const { budget, of, list } = await scene(9_100_000)
    await budget.reserve().hold(of(0), none)
    const [first = 0, second = 0] = of(1)
    await budget.put(first, bytes)
    assert.equal(budget.has(first), list.length(first) + 9_000_000 <= 9_100_000)
    for (const number of of(1)) await budget.put(number, bytes)
    assert.ok(budget.bytes <= 9_100_000)
    assert.equal(budget.has(second), false)
  })

  it('is given back when a path is in the store', async () => {
    const { budget, of, list } = await scene(10_000_000)
    const a = budget.reserve()
    await a.hold(of(0), none)
    for (const number of of(0)) await budget.put(number, bytes)
    const waits = budget.reserve().hold(of(1), none)
    await budget.releasePath(list.paths[0]?.described.path ?? '')
    assert.equal(await isGranted(waits), false)
    a.release(of(0))
    await waits
  })

  it('is never exceeded, and every fetch has its turn, whatever comes and goes', async () => {
    const { chunks, list } = await scene(1)
    const fetches = fc.array(fc.record({ path: fc.nat({ max: 3 }), staged: fc.nat({ max: 100 }) }), {
      minLength: 1,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(fetches, fc.integer({ min: 9_000_001, max: 25_000_000 }), async (all, budgetBytes) => {
        const staging = new MemoryStaging(list)
        const budget = new StagingBudget(staging.components, { budgetBytes })
        const check = () => assert.ok(staging.bytes <= budget.bytes && budget.bytes <= budgetBytes)
        const run = async ({ path, staged }: { path: number; staged: number }) => {
          const reservation = budget.reserve()
          await reservation.hold(chunks[path] ?? [], none)
          for (const number of (chunks[path] ?? []).slice(0, staged)) {
            await budget.put(number, bytes)
            assert.ok(budget.has(number), 'what is claimed stays')
            check()
          }
          reservation.end()
          check()
        }
        await Promise.all(all.map(run))
      }),
      { numRuns: 50 },
    )
  })
})
