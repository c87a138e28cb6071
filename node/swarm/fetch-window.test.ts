/** What may be on its way at a time: within the budget, in the descriptor's order, and all of it in the end. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ChunkedClosure, memoryPath } from '../../test/helpers/chunked-closure.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { noise, storePath } from '../../test/helpers/planted-nar.ts'
import { FetchWindow } from './fetch-window.ts'

/** Paths of 9 MB each: more than a staging file shares, so each has its own. */
const closure = ChunkedClosure.of(
  Array.from({ length: 4 }, (_, i) => memoryPath(storePath(`${i}`), noise(`window ${i}`, 9_000_000))),
)

async function windowOf(budgetBytes: number) {
  const { list } = await closure
  const window = new FetchWindow({ list, missing: list.paths, isStaged: () => true, budgetBytes })
  const open = () => list.paths.filter(({ chunks }) => window.isOpen(chunks[0] ?? 0)).length
  const names = list.paths.map(({ described }) => described.path)
  return { window, open, names, list }
}

describe('a window on a fetch', () => {
  it('is all of it when the budget allows', async () => {
    const { window, open } = await windowOf(1e9)
    assert.ok(window.advance())
    assert.equal(open(), 4)
  })

  it('goes on as paths become valid', async () => {
    const { window, open, names, list } = await windowOf(20_000_000)
    window.advance()
    assert.equal(open(), 2)
    let third = false
    const waiting = window.opened(list.paths[2]?.chunks[0] ?? 0).then(() => {
      third = true
    })
    await Promise.resolve()
    assert.equal(third, false)
    assert.ok(window.done(names[1] ?? ''))
    await waiting
    assert.equal(open(), 3)
    assert.ok(window.done(names[0] ?? ''))
    assert.equal(open(), 4)
    assert.ok(!window.done(names[0] ?? ''), 'a path is done once')
  })

  it('says what it would take when one path alone is too large', async () => {
    await assert.rejects(windowOf(5_000_000), withCode('budget-too-small'))
  })

  it('holds no more than the budget and ends with all, whatever is staged', async () => {
    const { list } = await closure
    const staged = fc.array(fc.boolean(), { minLength: list.count, maxLength: list.count })
    await fc.assert(
      fc.asyncProperty(staged, fc.integer({ min: 9_100_000, max: 40_000_000 }), async (some, budgetBytes) => {
        const window = new FetchWindow({
          list,
          missing: list.paths,
          isStaged: each => some[each] ?? false,
          budgetBytes,
        })
        window.advance()
        const valid = new Set<string>()
        while (valid.size < list.paths.length) {
          const open = list.paths.filter(({ described, chunks }) => {
            return window.isOpen(chunks[0] ?? 0) && !valid.has(described.path)
          })
          assert.ok(open.length > 0)
          const bytes = open.flatMap(({ chunks }) =>
            [...chunks].filter(each => some[each]).map(each => list.length(each)),
          )
          assert.ok(bytes.reduce((sum, each) => sum + each, 0) <= budgetBytes)
          const path = open[0]?.described.path ?? ''
          valid.add(path)
          window.done(path)
        }
      }),
      { numRuns: 30 },
    )
  })
})
