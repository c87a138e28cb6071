/** Makes the shifts of a release: compares new large paths with the versions that devices run, and remembers each comparison. */

import type { DescribedPath } from '../../../protocol/closure/closure.ts'
import { decodeRecipe, type Recipe } from '../../../protocol/closure/recipe.ts'
import { type Shifts, shiftAt, shiftCellBytes, shiftLimits, shiftsCodec } from '../../../protocol/closure/shifts.ts'
import { fromHex, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { ThreadPool } from '../../concurrency/thread-pool.ts'
import type { Logger } from '../../process/log.ts'
import type { Table } from '../../state/database.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { NixStore } from '../../store/local/nix-store.ts'
import { shiftsFromBytes, shiftsMakingMs, shiftsMissBytes } from '../limits.ts'
import { align } from './align.ts'
import { packageNameOf } from './bases.ts'
import type { ShiftJob, ShiftResult } from './shift-worker.ts'

/** How many comparisons are done, and of how many. */
export type ShiftProgress = (done: number, of: number) => void

export interface ShiftMakerComponents {
  readonly store: Pick<NixStore, 'validPaths' | 'realPath'>
  readonly state: Pick<FleetState, 'document' | 'keepDocument'>
  /** Comparisons that were made before, as documents of one pair, by the IDs of both recipes. */
  readonly table: Table
  readonly log: Pick<Logger, 'warn'>
}

/** Two versions of a package: a new path, and one that a device holds. */
interface Pair {
  readonly before: DescribedPath
  readonly after: DescribedPath
}

export class ShiftMaker {
  readonly #components: ShiftMakerComponents

  constructor(components: ShiftMakerComponents) {
    this.#components = components
  }

  /**
   * Keeps the document of shifts from the paths that devices hold to new ones, and returns its SHA-256 in hex; undefined if
   * there is nothing to tell. A pair of which a path isn't in this machine's store is left out, and so is one that can't be
   * compared, or not in time.
   */
  async make(
    held: readonly (readonly DescribedPath[])[],
    wanted: readonly DescribedPath[],
    { onProgress = () => {}, signal }: { onProgress?: ShiftProgress; signal?: AbortSignal } = {},
  ): Promise<string | undefined> {
    const pairs = (await this.#inStore(pairsOf(held, wanted))).slice(0, shiftLimits.pairs)
    const found: Shifts[] = []
    const fresh: Pair[] = []
    for (const pair of pairs) {
      const known = await this.#recall(pair)
      if (known === undefined) fresh.push(pair)
      else found.push(...known)
    }
    if (fresh.length > 0) found.push(...(await this.#compareAll(fresh, onProgress, signal)))
    await this.#forgetGone()
    if (found.length === 0) return undefined
    const bytes = shiftsCodec.encode(fitting(found))
    await this.#components.state.keepDocument(bytes)
    return sha256Hex(bytes)
  }

  async #inStore(pairs: readonly Pair[]): Promise<Pair[]> {
    const paths = pairs.flatMap(({ before, after }) => [before.path, after.path])
    const valid = await this.#components.store.validPaths([...new Set(paths)])
    return pairs.filter(({ before, after }) => valid.has(before.path) && valid.has(after.path))
  }

  /** What was found before, which may be nothing; undefined if the pair was not compared. */
  async #recall(pair: Pair): Promise<readonly Shifts[] | undefined> {
    const bytes = await this.#components.table.get(keyOf(pair))
    if (bytes === undefined) return undefined
    try {
      return bytes.length === 0 ? [] : shiftsCodec.decode(bytes)
    } catch {
      // It is made anew.
      return undefined
    }
  }

  /** One after another: each takes a thread, its disk and memory, and large pairs are few. */
  async #compareAll(pairs: readonly Pair[], onProgress: ShiftProgress, signal?: AbortSignal): Promise<Shifts[]> {
    const { log, table } = this.#components
    const pool = new ThreadPool<ShiftJob, ShiftResult>(new URL('./shift-worker.ts', import.meta.url), { threads: 1 })
    const found: Shifts[] = []
    const until = performance.now() + shiftsMakingMs
    pool.start()
    try {
      for (const [done, pair] of pairs.entries()) {
        onProgress(done, pairs.length)
        if (performance.now() > until) break
        const shifts = await this.#compare(pool, pair, signal).catch((thrown: unknown) => {
          signal?.throwIfAborted()
          log.warn({ path: pair.after.path, reason: messageOf(thrown) }, 'two versions were not compared')
          return undefined
        })
        if (shifts === undefined) continue
        await table.put(keyOf(pair), shifts.length === 0 ? new Uint8Array() : shiftsCodec.encode(shifts))
        found.push(...shifts)
      }
    } finally {
      await pool.stop()
    }
    onProgress(pairs.length, pairs.length)
    return found
  }

  /** None if the content is where one would look for it without being told; undefined if it can't be compared now. */
  async #compare(
    pool: ThreadPool<ShiftJob, ShiftResult>,
    pair: Pair,
    signal?: AbortSignal,
  ): Promise<Shifts[] | undefined> {
    const { store } = this.#components
    const [before, after] = [await this.#recipe(pair.before), await this.#recipe(pair.after)]
    if (before === undefined || after === undefined) return undefined
    const job = { before: store.realPath(pair.before.path), after: store.realPath(pair.after.path) }
    const cells = worthTelling(before, after, await pool.run(job, signal))
    return cells.length === 0 ? [] : [{ from: pair.before.recipe, to: pair.after.recipe, cells }]
  }

  async #recipe({ recipe }: DescribedPath): Promise<Recipe | undefined> {
    const bytes = await this.#components.state.document(recipe)
    return bytes && decodeRecipe(bytes)
  }

  /** Comparisons of versions that belong to no release any more: their recipes were pruned. Other releases need theirs again. */
  async #forgetGone(): Promise<void> {
    const { table, state } = this.#components
    const keys: string[] = []
    for await (const key of table.keys()) keys.push(key)
    for (const key of keys) {
      const recipes = await Promise.all(recipesOf(key).map(hash => state.document(hash)))
      if (recipes.includes(undefined)) await table.delete(key)
    }
  }
}

/** As many as one document holds, the first ones first. A document of one pair is larger than the pair's part of a document. */
function fitting(found: readonly Shifts[]): Shifts[] {
  let bytes = 0
  return found.filter(shifts => {
    bytes += shiftsCodec.encode([shifts]).length
    return bytes <= shiftLimits.document
  })
}

/** New large paths with the held path of the same name that is nearest in size, for each of the closures that are held. */
function pairsOf(held: readonly (readonly DescribedPath[])[], wanted: readonly DescribedPath[]): Pair[] {
  const isLarge = ({ narSize }: DescribedPath) => narSize >= shiftsFromBytes && narSize <= shiftLimits.narSize
  const pairs = new Map<string, Pair>()
  for (const paths of held) {
    const here = new Set(paths.map(({ recipe }) => toHex(recipe)))
    const families = Map.groupBy(paths.filter(isLarge), ({ path }) => packageNameOf(path))
    for (const after of wanted) {
      if (!isLarge(after) || here.has(toHex(after.recipe))) continue
      const distance = ({ narSize }: DescribedPath) => Math.abs(narSize - after.narSize)
      const [before] = (families.get(packageNameOf(after.path)) ?? []).toSorted((a, b) => distance(a) - distance(b))
      if (before === undefined) continue
      pairs.set(keyOf({ before, after }), { before, after })
    }
  }
  return [...pairs.values()]
}

/** The shifts of those cells where a delta base without them would be elsewhere; without cells at the end that have none. */
function worthTelling(before: Recipe, after: Recipe, cells: ShiftResult): ShiftResult {
  const plain = align(before, after)
  const told = align(before, after, { cells })
  const kept = new Set<number>()
  after.chunks.forEach((chunk, place) => {
    const [one, other] = [plain[place], told[place]]
    const middle = chunk.offset + Math.floor(chunk.length / 2)
    if (one === undefined || other === undefined || shiftAt({ cells }, middle) === undefined) return
    const startOf = (first: number) => before.chunks[first]?.offset ?? 0
    if (Math.abs(startOf(one.first) - startOf(other.first)) > shiftsMissBytes)
      kept.add(Math.floor(middle / shiftCellBytes))
  })
  const length = Math.max(-1, ...kept) + 1
  return cells.slice(0, length).map((cell, place) => (kept.has(place) ? cell : undefined))
}

const keyOf = ({ before, after }: Pair) => `${toHex(before.recipe)} ${toHex(after.recipe)}`
const recipesOf = (key: string) => key.split(' ').map(fromHex)
