/** Tests of the fetch window: within the budget, in the descriptor's order, and all chunks in the end. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { ChunkedClosure, memoryPath } from '../../../test/helpers/chunked-closure.ts'
import { withCode } from '../../../test/helpers/errors.ts'
import { MemoryStaging } from '../../../test/helpers/memory-staging.ts'
import { noise, storePath } from '../../../test/helpers/planted-nar.ts'
import type { ChunkList, PathChunks } from '../chunks/chunk-list.ts'
import { StagingBudget } from '../staging/staging-budget.ts'
import { FetchWindow } from './fetch-window.ts'

/** Paths of 9 MB each: more than a staging file shares, so each has its own. */
const closure = ChunkedClosure.of(
  Array.from({ length: 4 }, (_, i) => memoryPath(storePath(`${i}`), noise(`window ${i}`, 9_000_000))),
)

function windowOf(list: ChunkList, budgetBytes: number, needsSpace = (_: number) => true) {
  const staging = new MemoryStaging(list)
  const budget = new StagingBudget(staging.components, { budgetBytes })
  const reservation = budget.reserve()
  const window = new FetchWindow({ list, missing: list.paths, needsSpace, budgetBytes, reservation })
  const isOpen = ({ chunks }: PathChunks) => window.isOpen(chunks[0] ?? 0)
  return { window, budget, reservation, isOpen, open: () => list.paths.filter(isOpen).length }
}

const none = new AbortController().signal
const nameOf = ({ described }: PathChunks) => described.path

describe('a window on a fetch', () => {
  it('is all of it when the budget allows', async () => {
    const { list } = await closure
    const { window, open } = windowOf(list, 1e9)
    const asked: number[] = []
    await window.run(chunks => asked.push(...chunks), none)
    assert.equal(open(), 4)
    assert.deepEqual(
      asked,
      Array.from({ length: list.count }, (_, number) => number),
    )
  })

  it('goes on as paths become valid', async () => {
    const { list } = await closure
    const { window, open } = windowOf(list, 20_000_000)
    const [first, second, third] = list.paths as [PathChunks, PathChunks, PathChunks]
    const running = window.run(() => {}, none)
    await turn()
    assert.equal(open(), 2)
    window.done(nameOf(second))
    await window.opened(third.chunks[0] ?? 0)
    assert.equal(open(), 3)
    window.done(nameOf(first))
    window.done(nameOf(first))
    await running
    assert.equal(open(), 4)
  })

  it('counts what is gone from the store by the time its file is opened', async () => {
    const { list } = await closure
    let isThere = true
    const { window, budget, reservation } = windowOf(list, 20_000_000, () => !isThere)
    isThere = false
    const running = window.run(() => {}, none)
    await turn()
    assert.ok(budget.bytes > 17_000_000 && reservation.chunks.size > 0)
    for (const path of list.paths) {
      await window.opened(path.chunks[0] ?? 0)
      window.done(nameOf(path))
    }
    await running
  })

  it('waits for room that another fetch has', async () => {
    const { list } = await closure
    const { window, budget, open } = windowOf(list, 20_000_000)
    const other = budget.reserve()
    await other.hold([...(list.paths[3]?.chunks ?? []), ...(list.paths[2]?.chunks ?? [])], none)
    const running = window.run(() => {}, none)
    await turn()
    assert.equal(open(), 0)
    other.end()
    await turn()
    assert.equal(open(), 2)
    for (const path of list.paths) window.done(nameOf(path))
    await running
  })

  it('says what it would take when one path alone is too large', async () => {
    const { list } = await closure
    assert.throws(() => windowOf(list, 5_000_000), withCode('budget-too-small'))
  })

  it('holds no more than the budget and ends with all, whatever is staged', async () => {
    const { list } = await closure
    const staged = fc.array(fc.boolean(), { minLength: list.count, maxLength: list.count })
    await fc.assert(
      fc.asyncProperty(staged, fc.integer({ min: 9_100_000, max: 40_000_000 }), async (some, budgetBytes) => {
        const { window, budget, isOpen } = windowOf(list, budgetBytes, each => some[each] ?? false)
        const running = window.run(() => {}, none)
        const valid = new Set<PathChunks>()
        while (valid.size < list.paths.length) {
          await turn()
          const open = list.paths.filter(path => isOpen(path) && !valid.has(path))
          const [first] = open
          assert.ok(first)
          const bytes = open.flatMap(({ chunks }) =>
            [...chunks].filter(each => some[each]).map(each => list.length(each)),
          )
          assert.ok(bytes.reduce((sum, each) => sum + each, 0) <= budgetBytes)
          assert.ok(budget.bytes <= budgetBytes)
          valid.add(first)
          window.done(nameOf(first))
        }
        await running
      }),
      { numRuns: 30 },
    )
  })
})
