/** Closures come with references before referrers, whatever the graph looks like. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PathInfo } from '../path-info.ts'
import { closureOf } from './closure.ts'

function storeOf(graph: Record<string, string[]>) {
  return async (path: string): Promise<PathInfo | undefined> => {
    const references = graph[path]
    return references && { path, references, narHash: new Uint8Array(32), narSize: 0, signatures: [] }
  }
}

test('any graph without cycles is ordered, each path once', async () => {
  const edges = fc.array(fc.array(fc.nat(), { maxLength: 5 }), { minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(edges, async lists => {
      // Each path refers to earlier ones and perhaps to itself.
      const graph = Object.fromEntries(lists.map((list, i) => [`${i}`, list.map(n => `${n % (i + 1)}`)]))
      const closure = await closureOf(`${lists.length - 1}`, storeOf(graph))
      const place = new Map(closure.map((info, i) => [info.path, i]))
      assert.equal(place.size, closure.length)
      assert.equal(closure.at(-1)?.path, `${lists.length - 1}`)
      for (const info of closure) {
        for (const reference of info.references) {
          const at = place.get(reference)
          assert.ok(at !== undefined && (at < (place.get(info.path) ?? 0) || reference === info.path))
        }
      }
    }),
  )
})

test('a long chain does not use up the call stack', async () => {
  const graph = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`${i}`, i === 0 ? [] : [`${i - 1}`]]))
  assert.equal((await closureOf('19999', storeOf(graph))).length, 20_000)
})

test('a path that is missing is named', async () => {
  await assert.rejects(closureOf('a', storeOf({ a: ['b'] })), { code: 'path-unknown', message: /got b$/ })
})
