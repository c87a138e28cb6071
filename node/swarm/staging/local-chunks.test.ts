/** Tests of local chunks: found wherever they lie, read verified, and given up when their path goes. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { ChunkedClosure, MemoryStore, memoryPath } from '../../../test/helpers/chunked-closure.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { hashPart, noise, storePath } from '../../../test/helpers/planted-nar.ts'
import { ChunkIndex } from '../chunks/chunk-index.ts'
import { RecipeBook } from '../recipe/recipe-book.ts'
import { LocalChunks } from './local-chunks.ts'
import { Staging } from './staging.ts'

const log = silentLogger

/** A library and a tool that names it and itself: for each generation other hashes, the same content. */
function generation(seed: string) {
  const [lib, tool] = [storePath(`lib ${seed}`), storePath(`tool ${seed}`)]
  const named = (name: string) => Buffer.from(`/nix/store/${hashPart(`${name} ${seed}`)}-thing-1.0`)
  const nars = {
    [lib]: Buffer.from(noise('lib', 500_000)),
    [tool]: Buffer.concat([noise('tool', 200_000), named('lib'), noise('more', 200_000), named('tool')]),
  }
  const sources = [
    memoryPath(lib, nars[lib] ?? Buffer.alloc(0)),
    memoryPath(tool, nars[tool] ?? Buffer.alloc(0), [lib, tool]),
  ]
  return { lib, tool, nars, chunked: () => ChunkedClosure.of(sources) }
}

async function world(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-local-chunks-'))
  const db = new Level(join(directory, 'db'))
  await db.open()
  const closing: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closing) await close()
    await db.close()
    await rm(directory, { recursive: true, force: true })
  })
  const store = new MemoryStore()
  const index = new ChunkIndex(db)
  const documents: ChunkedClosure[] = []
  const document = async (hash: Uint8Array) => {
    for (const each of documents) {
      const bytes = await each.document(hash)
      if (bytes !== undefined) return bytes
    }
    return undefined
  }
  const recipes = new RecipeBook(db, { document, log })
  const lost: number[] = []
  const damaged: string[] = []
  const open = async (chunked: ChunkedClosure, name: string) => {
    documents.push(chunked)
    const { list } = chunked
    const staging = await Staging.open(join(directory, name), list, { budgetBytes: 1024 ** 3 })
    closing.push(() => staging.close())
    const onLost = (numbers: readonly number[]) => lost.push(...numbers)
    const onDamaged = (path: string) => damaged.push(path)
    const chunks = new LocalChunks({ store, list, staging, index, recipes, log }, { onLost, onDamaged })
    return { chunks, staging, here: await chunks.discover() }
  }
  return { directory, store, index, recipes, documents, lost, damaged, open }
}

async function assertReads(chunks: LocalChunks, chunked: ChunkedClosure): Promise<void> {
  for (let number = 0; number < chunked.list.count; number++) {
    assert.ok(chunks.has(number))
    assert.deepEqual(await chunks.read(number), Buffer.from(await chunked.chunk(number)))
  }
}

const allOf = ({ list }: ChunkedClosure) => Array.from({ length: list.count }, (_, number) => number)

test('local chunks: staged until the path is valid, then read from the store', async t => {
  const { directory, store, index, recipes, open } = await world(t)
  const { lib, tool, nars, chunked } = generation('1')
  const closure = await chunked()
  const { chunks, staging, here } = await open(closure, 'staging')
  assert.equal(here.count, 0)
  assert.equal(await chunks.read(0), undefined)
  for (const number of allOf(closure)) await chunks.put(number, await closure.chunk(number))
  await assertReads(chunks, closure)
  assert.ok(chunks.here().isFull)
  assert.equal(store.opened, 0)

  for (const path of [lib, tool]) {
    store.paths.set(path, nars[path] ?? Buffer.alloc(0))
    await chunks.pathValid(path)
    assert.ok(await index.has(path))
    assert.equal((await recipes.recipeFor(path))?.size, nars[path]?.length)
  }
  assert.equal(staging.staged().count, 0)
  assert.deepEqual(await readdir(join(directory, 'staging')), [])
  await assertReads(chunks, closure)
  assert.equal(store.opened, 2)
  await assert.rejects(chunks.pathValid(storePath('else')), RangeError)
})

test('local chunks: a rebuild of which only hashes changed is all here, in the paths it replaces', async t => {
  const { store, open } = await world(t)
  const [old, rebuilt] = [generation('1'), generation('2')]
  const oldClosure = await old.chunked()
  for (const [path, nar] of Object.entries(old.nars)) store.paths.set(path, nar)
  assert.ok((await open(oldClosure, '1')).here.isFull)
  const closure = await rebuilt.chunked()
  const { chunks, here } = await open(closure, '2')
  assert.ok(here.isFull)
  await assertReads(chunks, closure)
})

test('local chunks: when the collector takes a path, its chunks are lost and the index forgets it', async t => {
  const { store, index, recipes, lost, damaged, open } = await world(t)
  const [old, rebuilt] = [generation('1'), generation('2')]
  for (const [path, nar] of Object.entries(old.nars)) store.paths.set(path, nar)
  await open(await old.chunked(), '1')
  const closure = await rebuilt.chunked()
  const { chunks } = await open(closure, '2')
  const first = closure.list.paths[0]?.chunks[0] ?? 0
  assert.ok((await chunks.read(first)) !== undefined)
  store.paths.clear()
  assert.equal(await chunks.read(first), undefined)
  assert.deepEqual(damaged, [])
  // Both paths were found gone by the one look.
  assert.deepEqual(
    lost.toSorted((a, b) => a - b),
    allOf(closure),
  )
  assert.deepEqual(await index.paths(), [])
  assert.equal(await recipes.has(old.lib), false)
  for (const number of allOf(closure)) assert.ok(!chunks.has(number))
  await chunks.put(first, await closure.chunk(first))
  assert.deepEqual(await chunks.read(first), Buffer.from(await closure.chunk(first)))
})

test('local chunks: a path that goes is replaced by another that has the same chunks', async t => {
  const { store, lost, open } = await world(t)
  const [one, two, three] = [generation('1'), generation('2'), generation('3')]
  for (const [path, nar] of [...Object.entries(one.nars), ...Object.entries(two.nars)]) store.paths.set(path, nar)
  await open(await one.chunked(), '1')
  await open(await two.chunked(), '2')
  const closure = await three.chunked()
  const { chunks, here } = await open(closure, '3')
  assert.ok(here.isFull)
  store.paths.delete(one.lib)
  store.paths.delete(two.tool)
  await assertReads(chunks, closure)
  assert.deepEqual(lost, [])
})

test('local chunks: damaged files are found by the hash, and served no more', async t => {
  const { store, index, lost, damaged, open } = await world(t)
  const { lib, tool, nars, chunked } = generation('1')
  for (const [path, nar] of Object.entries(nars)) store.paths.set(path, nar)
  const closure = await chunked()
  const { chunks } = await open(closure, '1')
  store.paths.set(lib, Buffer.alloc(nars[lib]?.length ?? 0, 'x'))
  const ofLib = [...(closure.list.paths[0]?.chunks ?? [])]
  assert.equal(await chunks.read(ofLib[0] ?? 0), undefined)
  assert.deepEqual(
    lost.toSorted((a, b) => a - b),
    ofLib,
  )
  assert.deepEqual(damaged, [lib])
  assert.deepEqual(await index.paths(), [tool])
  const ofTool = closure.list.paths[1]?.chunks[0] ?? 0
  assert.ok((await chunks.read(ofTool)) !== undefined)
})

test('local chunks: a path whose recipe is not known is of no use', async t => {
  const { store, documents, open } = await world(t)
  const [old, rebuilt] = [generation('1'), generation('2')]
  for (const [path, nar] of Object.entries(old.nars)) store.paths.set(path, nar)
  await open(await old.chunked(), '1')
  documents.splice(0)
  const closure = await rebuilt.chunked()
  const { chunks, here } = await open(closure, '2')
  assert.ok(here.isFull, 'as far as is known without reading')
  documents.splice(0)
  assert.equal(await chunks.read(0), undefined)
})
