/** The savings by recipes: bytes that a rebuild and an update move as whole NARs, in plain chunks and in normalised ones. */

import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { NixStore } from '../../../node/store/local/nix-store.ts'
import type { PathInfo } from '../../../node/store/path-info.ts'
import type { MadeRecipe } from '../../../node/swarm/recipe/make-recipe.ts'
import { normaliseRange } from '../../../node/swarm/recipe/normalise.ts'
import { RecipePool } from '../../../node/swarm/recipe/recipe-pool.ts'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { buildClosures } from './closures.ts'

/** What `nix copy --to file://…?compression=zstd` uses by default. */
const ZSTD_LEVEL = 3

/** Each path with its recipe: of the normal form, or of the NAR as it is. */
type Recipes = ReadonlyMap<PathInfo, MadeRecipe>
type Form = 'plain' | 'normalised'

/** The bytes of an update that a device lacks. */
export interface Cost {
  readonly count: number
  readonly bytes: number
  readonly zstd: number
}

const compress = promisify(zstdCompress)
const zstdLength = async (bytes: Uint8Array) => {
  return (await compress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })).length
}

async function recipesOf(store: NixStore, pool: RecipePool, top: string, form: Form): Promise<Recipes> {
  const closure = await store.closure(top)
  const made = closure.map(async info => {
    const references = form === 'plain' ? [] : info.references
    return [info, await pool.make({ ...info, references, directory: store.realPath(info.path) })] as const
  })
  return new Map(await Promise.all(made))
}

/** Paths of `to` that `from` doesn't have. */
function fresh(from: Recipes, to: Recipes): [PathInfo, MadeRecipe][] {
  const held = new Set([...from.keys()].map(({ path }) => path))
  return [...to].filter(([{ path }]) => !held.has(path))
}

/** Chunks of the fresh paths that `from` doesn't have, each once. */
async function chunkCost(store: NixStore, from: Recipes, to: Recipes): Promise<Cost> {
  const held = new Set([...from.values()].flatMap(({ recipe }) => recipe.chunks.map(({ hash }) => toHex(hash))))
  const cost = { count: 0, bytes: 0, zstd: 0 }
  for (const [{ path }, { recipe }] of fresh(from, to)) {
    const nar = await store.nar(path)
    for (const { hash, offset, length } of recipe.chunks) {
      const name = toHex(hash)
      if (held.has(name)) continue
      held.add(name)
      cost.count++
      cost.bytes += length
      cost.zstd += await zstdLength(normaliseRange(await nar.readRange(offset, length), offset, recipe.positions))
    }
  }
  return cost
}

async function narCost(store: NixStore, from: Recipes, to: Recipes): Promise<Cost> {
  const cost = { count: 0, bytes: 0, zstd: 0 }
  for (const [{ path, narSize }] of fresh(from, to)) {
    const nar = await store.nar(path)
    cost.count++
    cost.bytes += narSize
    cost.zstd += await zstdLength(await nar.readRange(0, narSize))
  }
  return cost
}

function recipeCost(from: Recipes, to: Recipes) {
  const held = new Set([...from.values()].map(({ id }) => toHex(id)))
  const paths = fresh(from, to)
  const equal = paths.filter(([, { id }]) => held.has(toHex(id)))
  const others = paths.filter(([, { id }]) => !held.has(toHex(id)))
  const bytes = others.reduce((sum, [, made]) => sum + made.bytes.length, 0)
  return { equal: equal.length, paths: paths.length, bytes }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`.padStart(10)

/** The bytes for `to` that a store of plain chunks must fetch when it has those of `from`. */
export async function plainChunkCost(from: string, to: string): Promise<Cost> {
  const store = new NixStore()
  const pool = new RecipePool()
  await store.start()
  pool.start()
  try {
    return await chunkCost(
      store,
      await recipesOf(store, pool, from, 'plain'),
      await recipesOf(store, pool, to, 'plain'),
    )
  } finally {
    await pool.stop()
    await store.stop()
  }
}

async function main(): Promise<void> {
  const say = (line: string) => console.log(line)
  const { v1, v2, rebuilt, update } = await buildClosures(say)
  const store = new NixStore()
  const pool = new RecipePool()
  await store.start()
  pool.start()
  try {
    const start = performance.now()
    const held = await recipesOf(store, pool, v1, 'normalised')
    const seconds = (performance.now() - start) / 1000
    const size = [...held.keys()].reduce((sum, { narSize }) => sum + narSize, 0)
    const recipeBytes = [...held.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
    say(`recipes of v1: ${held.size} paths, ${megabytes(size)} → ${megabytes(recipeBytes)} in ${seconds.toFixed(1)} s`)
    const heldPlain = await recipesOf(store, pool, v1, 'plain')
    for (const [name, top] of [
      ['rebuilt', rebuilt],
      [`v2 (${update.length} packages updated)`, v2],
    ] as const) {
      const wanted = await recipesOf(store, pool, top, 'normalised')
      const { equal, paths, bytes } = recipeCost(held, wanted)
      say(`\nv1 → ${name}: ${paths} new paths of ${wanted.size}`)
      const rows: [string, Cost][] = [
        ['whole NARs', await narCost(store, held, wanted)],
        ['plain chunks', await chunkCost(store, heldPlain, await recipesOf(store, pool, top, 'plain'))],
        ['normalised chunks', await chunkCost(store, held, wanted)],
      ]
      for (const [what, cost] of rows) {
        say(
          `  ${what.padEnd(18)}${String(cost.count).padStart(6)} ${megabytes(cost.bytes)} zstd ${megabytes(cost.zstd)}`,
        )
      }
      say(`  recipes: ${equal} of ${paths} equal; the others ${megabytes(bytes)}`)
    }
  } finally {
    await pool.stop()
    await store.stop()
  }
}

if (import.meta.main) await main()
