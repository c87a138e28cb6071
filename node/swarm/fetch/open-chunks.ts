/** Opens the local chunks of a closure: staged ones and those in the store. */

import { join } from 'node:path'
import { toHex } from '../../../protocol/encoding/hash.ts'
import type { ChunkIndex } from '../chunks/chunk-index.ts'
import type { KnownClosure } from '../chunks/closures.ts'
import { BaseFinder } from '../delta/base-finder.ts'
import type { RecipeBook } from '../recipe/recipe-book.ts'
import type { OpenChunks } from '../session/open-swarms.ts'
import { type AdoptComponents, adoptStaged } from '../staging/adopt-staged.ts'
import { LocalChunks, type LocalChunksComponents, type LocalChunksInit } from '../staging/local-chunks.ts'
import { Staging } from '../staging/staging.ts'
import { StagingBudget } from '../staging/staging-budget.ts'

export interface OpenChunksComponents extends Pick<LocalChunksComponents, 'store' | 'log'>, AdoptComponents {
  readonly index: ChunkIndex
  readonly recipes: RecipeBook
  readonly log: LocalChunksComponents['log']
  readonly onDamaged: NonNullable<LocalChunksInit['onDamaged']>
}

/** `onLost` is called when local chunks have vanished. */
export async function openChunks(
  components: OpenChunksComponents,
  known: KnownClosure,
  onLost: NonNullable<LocalChunksInit['onLost']>,
): Promise<OpenChunks> {
  const { store, index, recipes, directory, budgetBytes, onDamaged, log } = components
  const { hash, list } = known
  const staging = await Staging.open(join(directory, toHex(hash)), list, { budgetBytes })
  const budget = new StagingBudget({ list, staging }, { budgetBytes, onEvicted: onLost })
  const chunks = new LocalChunks({ store, list, staging: budget, index, recipes, log }, { onLost, onDamaged })
  await chunks.discover()
  await adoptStaged(components, known, chunks)
  const finder = new BaseFinder({ list, index, recipes })
  return { chunks, finder, budget, close: () => staging.close() }
}
