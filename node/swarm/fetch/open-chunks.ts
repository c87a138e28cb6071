/** Opens the local chunks of a closure: staged ones, those in the store and those in attached bundles. */

import { join } from 'node:path'
import { toHex } from '../../../protocol/encoding/hash.ts'
import type { BundleShelf } from '../../bundle/bundle-shelf.ts'
import type { ChunkIndex } from '../chunks/chunk-index.ts'
import type { ChunkChanges } from '../chunks/chunk-store.ts'
import type { KnownClosure } from '../chunks/closures.ts'
import { BaseFinder } from '../delta/base-finder.ts'
import type { Bases } from '../delta/bases.ts'
import type { ReleasedShifts } from '../delta/released-shifts.ts'
import type { RecipeBook } from '../recipe/recipe-book.ts'
import type { OpenChunks } from '../session/open-swarms.ts'
import { type AdoptComponents, adoptStaged } from '../staging/adopt-staged.ts'
import { BundledChunks } from '../staging/bundled-chunks.ts'
import { LocalChunks, type LocalChunksComponents, type LocalChunksInit } from '../staging/local-chunks.ts'
import { Staging } from '../staging/staging.ts'
import { StagingBudget } from '../staging/staging-budget.ts'
import { deltasBy } from './bundled-deltas.ts'

export interface OpenChunksComponents extends Pick<LocalChunksComponents, 'store' | 'log'>, AdoptComponents {
  readonly index: ChunkIndex
  readonly recipes: RecipeBook
  readonly shelf: BundleShelf
  readonly bases: Pick<Bases, 'here' | 'read'>
  readonly shifts: Pick<ReleasedShifts, 'book'>
  readonly log: LocalChunksComponents['log']
  readonly onDamaged: NonNullable<LocalChunksInit['onDamaged']>
}

export async function openChunks(
  components: OpenChunksComponents,
  known: KnownClosure,
  changes: ChunkChanges,
): Promise<OpenChunks> {
  const { store, index, recipes, shelf, bases, shifts, directory, budgetBytes, onDamaged, log } = components
  const { onLost } = changes
  const { hash, list } = known
  const staging = await Staging.open(join(directory, toHex(hash)), list, { budgetBytes })
  const budget = new StagingBudget({ list, staging }, { budgetBytes, onEvicted: onLost })
  const bundled = await BundledChunks.open({ shelf, list, deltas: deltasBy(bases), log }, changes)
  const parts = { store, list, staging: budget, index, recipes, bundled, log }
  const chunks = new LocalChunks(parts, { onLost, onDamaged })
  await chunks.discover()
  await adoptStaged(components, known, chunks)
  const close = async () => {
    bundled.close()
    await staging.close()
  }
  const finder = new BaseFinder({ list, index, recipes, shifts: () => shifts.book() })
  return { chunks, finder, budget, close }
}
