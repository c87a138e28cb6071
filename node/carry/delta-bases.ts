/** Finds delta bases for the chunks of a bundle: in paths that every closure has which its receivers hold. */

import type { Base } from '../../protocol/messages/swarm.ts'
import type { PathChunks } from '../swarm/chunks/chunk-list.ts'
import type { KnownClosure } from '../swarm/chunks/closures.ts'
import { BaseFinder } from '../swarm/delta/base-finder.ts'
import type { ShiftBook } from '../swarm/delta/released-shifts.ts'
import type { PlannedChunk } from './planned-chunk.ts'

/**
 * Whichever device the stick is put into can unpack a delta if all have its base. What only some of them hold is no base: a
 * device can't ask its neighbours for that while it reads.
 */
export async function basesFor(
  chunks: readonly PlannedChunk[],
  held: readonly KnownClosure[],
  shifts: () => Promise<ShiftBook> = async () => () => undefined,
): Promise<(chunk: PlannedChunk) => Base | undefined> {
  const [first, ...others] = held.map(({ list }) => new Map(list.paths.map(each => [each.described.path, each])))
  if (first === undefined) return () => undefined
  const common = new Map<string, PathChunks>([...first].filter(([path]) => others.every(each => each.has(path))))
  const finders = new Map<KnownClosure, BaseFinder>()
  for (const [closure, lacking] of Map.groupBy(chunks, each => each.closure)) {
    const numbers = new Set(lacking.map(({ number }) => number))
    const finder = new BaseFinder({
      list: closure.list,
      index: { paths: async () => [...common.keys()] },
      recipes: {
        idFor: async path => common.get(path)?.described.recipe,
        recipeFor: async path => common.get(path)?.recipe,
      },
      shifts,
    })
    await finder.find(closure.list.paths, number => numbers.has(number))
    finders.set(closure, finder)
  }
  return ({ closure, number }) => finders.get(closure)?.baseOf(number)
}
