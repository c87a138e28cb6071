/** Closures that are assembled from chunks come into a real Nix store whole, in whatever order and luck chunks come. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { NixStore } from '../../node/store/local/nix-store.ts'
import { ChunkIndex } from '../../node/swarm/chunks/chunk-index.ts'
import { Assembler } from '../../node/swarm/fetch/assembler.ts'
import { RecipeBook } from '../../node/swarm/recipe/recipe-book.ts'
import { LocalChunks } from '../../node/swarm/staging/local-chunks.ts'
import { Staging } from '../../node/swarm/staging/staging.ts'
import { StagingLayout } from '../../node/swarm/staging/staging-layout.ts'
import { ChunkedClosure } from '../helpers/chunked-closure.ts'
import { silentLogger } from '../helpers/log.ts'
import { missingNix, type RealStore, Stores } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }
const log = silentLogger

/** The common part of the generations of one closure: everything but the hashes in their paths' names. */
interface Content {
  readonly lib: Buffer
  readonly tool: Buffer
  readonly texts: readonly Buffer[]
}

const newContent = (): Content => ({
  lib: randomBytes(9_000_000),
  tool: randomBytes(6_000_000),
  texts: Array.from({ length: 12 }, () => randomBytes(20_000)),
})

/** Two large paths, of which one references the other and itself, a dozen of small ones, and one above all of them. */
async function addGeneration(real: RealStore, key: string, { lib, tool, texts }: Content): Promise<string> {
  const libPath = await real.add('lib', at => writeFile(at, lib))
  const fill = async (at: string, path: string) => {
    await mkdir(join(at, 'bin'), { recursive: true })
    await writeFile(join(at, 'bin/tool'), Buffer.concat([tool, Buffer.from(`${path} ${libPath}\n`)]), { mode: 0o755 })
    await writeFile(join(at, 'lib'), libPath)
  }
  const toolPath = await real.add('tool', fill, [libPath, '{out}'])
  const small: string[] = []
  for (const [i, text] of texts.entries()) {
    const below = small.at(-1) ?? libPath
    small.push(await real.add(`small-${i}`, at => writeFile(at, Buffer.concat([text, Buffer.from(below)])), [below]))
  }
  const references = [toolPath, ...small]
  const top = await real.addText('top', references.join('\n'), references)
  await real.sign(key, libPath, toolPath, ...small, top)
  return top
}

async function chunkedClosure(store: NixStore, top: string): Promise<ChunkedClosure> {
  const infos = await store.closure(top)
  return ChunkedClosure.of(await Promise.all(infos.map(async info => ({ info, nar: await store.nar(info.path) }))))
}

/** The builder's store, the device's store, and what the device keeps. */
async function world(t: TestContext) {
  const stores = await Stores.of(t)
  const key = await stores.key('test-1')
  const [realA, realB] = [stores.real('a'), stores.real('b')]
  const a = await stores.open(realA.root)
  const b = await stores.open(realB.root, { trustedPublicKeys: [key.publicKey] })
  const db = new Level(join(stores.dir, 'db'))
  await db.open()
  t.after(() => db.close())
  const closures: ChunkedClosure[] = []
  const document = async (id: Uint8Array) => {
    const all = await Promise.all(closures.map(each => each.document(id)))
    return all.find(bytes => bytes !== undefined)
  }
  const components = { store: b, index: new ChunkIndex(db), recipes: new RecipeBook(db, { document, log }), log }
  const closing: Staging[] = []
  t.after(() => Promise.all(closing.map(staging => staging.close())))

  const open = async (closure: ChunkedClosure, name: string) => {
    closures.push(closure)
    const staging = await Staging.open(join(stores.dir, name), closure.list, { budgetBytes: 1024 ** 3 })
    closing.push(staging)
    const chunks = new LocalChunks({ ...components, list: closure.list, staging })
    return { chunks, staging, here: await chunks.discover() }
  }
  const assembler = ({ list }: ChunkedClosure, chunks: LocalChunks) =>
    new Assembler({ store: b, list, chunks, log }, { parallel: 2 })
  /** A whole fetch of a closure, of which every chunk that is not here comes at once. */
  const bringIn = async (closure: ChunkedClosure, name: string) => {
    const { chunks, staging } = await open(closure, name)
    const asked = new Set<number>()
    const available = async (number: number) => {
      asked.add(number)
      await chunks.put(number, await closure.chunk(number))
    }
    const held = await b.holdTempRoots(closure.list.paths.map(({ described }) => described.path))
    t.after(() => held.release())
    await assembler(closure, chunks).run(closure.list.paths, available, { signal: t.signal })
    return { chunks, staging, asked, held }
  }
  return { stores, key, realA, realB, a, b, open, assembler, bringIn }
}

type World = Awaited<ReturnType<typeof world>>

async function generation({ realA, key, a }: World, content: Content): Promise<ChunkedClosure> {
  return chunkedClosure(a, await addGeneration(realA, key.file, content))
}

async function assertWhole({ a, b, realB }: World, closure: ChunkedClosure): Promise<void> {
  const top = closure.list.paths.at(-1)?.described.path ?? ''
  assert.deepEqual(await b.closure(top), await a.closure(top))
  await realB.nixStore('--verify', '--check-contents')
}

const numbersOf = ({ list }: ChunkedClosure) => Array.from({ length: list.count }, (_, number) => number)

test('a closure is imported from chunks that come in random order', options, async t => {
  const all = await world(t)
  const { stores, b, open, assembler } = all
  const closure = await generation(all, newContent())
  const { chunks, here } = await open(closure, 'staging')
  assert.equal(here.count, 0)
  const waiting = new Map<number, PromiseWithResolvers<void>>()
  const arrivalOf = (number: number) => {
    const arrival = waiting.get(number) ?? Promise.withResolvers<void>()
    waiting.set(number, arrival)
    return arrival
  }
  const held = await b.holdTempRoots(closure.list.paths.map(({ described }) => described.path))
  t.after(() => held.release())
  const imported: string[] = []
  const running = assembler(closure, chunks).run(closure.list.paths, number => arrivalOf(number).promise, {
    signal: t.signal,
    onPath: ({ described }) => {
      imported.push(described.path)
    },
  })
  const shuffled = numbersOf(closure).sort(() => Math.random() - 0.5)
  for (const number of shuffled) {
    await chunks.put(number, await closure.chunk(number))
    arrivalOf(number).resolve()
  }
  await running
  const paths = closure.list.paths.map(({ described }) => described.path)
  assert.deepEqual(imported.toSorted(), paths.toSorted())
  await assertWhole(all, closure)
  assert.deepEqual(await readdir(join(stores.dir, 'staging')), [])
  for (const number of numbersOf(closure)) {
    assert.deepEqual(await chunks.read(number), await closure.chunk(number))
  }
})

test(
  'referrers whose chunks are all here wait for a reference that comes last, however many they are',
  options,
  async t => {
    const all = await world(t)
    const { realA, key, a, open, assembler } = all
    // More large paths than streams and connections of an assembler with two at a time.
    const lib = await realA.add('lib', at => writeFile(at, randomBytes(5_000_000)))
    const users: string[] = []
    for (let i = 0; i < 9; i++) {
      users.push(
        await realA.add(`user-${i}`, at => writeFile(at, Buffer.concat([randomBytes(5_000_000), Buffer.from(lib)])), [
          lib,
        ]),
      )
    }
    const top = await realA.addText('top', users.join(' '), users)
    await realA.sign(key.file, lib, ...users, top)
    const closure = await chunkedClosure(a, top)
    const { chunks } = await open(closure, 'staging')
    const last = closure.list.paths[0]?.chunks.at(-1) ?? 0
    for (const number of numbersOf(closure)) if (number !== last) await chunks.put(number, await closure.chunk(number))
    const asked = Promise.withResolvers<void>()
    const arrival = Promise.withResolvers<void>()
    const running = assembler(closure, chunks).run(
      closure.list.paths,
      number => {
        assert.equal(number, last)
        asked.resolve()
        return arrival.promise
      },
      { signal: t.signal },
    )
    await asked.promise
    await chunks.put(last, await closure.chunk(last))
    arrival.resolve()
    await running
    await assertWhole(all, closure)
  },
)

test('a rebuilt closure needs no chunk: all of it is in the paths that it replaces', options, async t => {
  const all = await world(t)
  const { b, bringIn } = all
  const content = newContent()
  const old = await generation(all, content)
  assert.equal((await bringIn(old, 'old')).asked.size, old.list.count)
  const rebuilt = await generation(all, content)
  const paths = (closure: ChunkedClosure) => new Set(closure.list.paths.map(({ described }) => described.path))
  assert.ok(paths(rebuilt).isDisjointFrom(paths(old)))
  assert.equal((await b.validPaths([...paths(rebuilt)])).size, 0)
  const { asked } = await bringIn(rebuilt, 'rebuilt')
  assert.deepEqual([...asked], [])
  await assertWhole(all, rebuilt)
})

test('chunks of paths that are collected in the middle are asked for again', options, async t => {
  const all = await world(t)
  const { a, b, realB, stores, key, open, assembler } = all
  const content = newContent()
  const old = await generation(all, content)
  // By a store of its own, since idle connections hold what they imported as temp roots for a while.
  const importer = await stores.open(realB.root, { trustedPublicKeys: [key.publicKey] })
  for (const info of await a.closure(old.list.paths.at(-1)?.described.path ?? '')) {
    await importer.import(info, (await a.nar(info.path)).stream())
  }
  await importer.stop()
  assert.ok((await open(old, 'old')).here.isFull)
  const rebuilt = await generation(all, content)
  const { chunks, here } = await open(rebuilt, 'rebuilt')
  assert.ok(here.isFull)
  const held = await b.holdTempRoots(rebuilt.list.paths.map(({ described }) => described.path))
  t.after(() => held.release())
  assert.ok((await chunks.read(0)) !== undefined)
  await realB.nixStore('--gc')
  const asked = new Set<number>()
  await assembler(rebuilt, chunks).run(
    rebuilt.list.paths,
    async number => {
      assert.ok(!chunks.has(number))
      asked.add(number)
      await chunks.put(number, await rebuilt.chunk(number))
    },
    { signal: t.signal },
  )
  assert.ok(asked.size > 0)
  await assertWhole(all, rebuilt)
})

test('a staged chunk that the disk has changed is found by the NAR, and asked for again', options, async t => {
  const all = await world(t)
  const { b, stores, open: opened, assembler } = all
  const closure = await generation(all, newContent())
  const { chunks } = await opened(closure, 'staging')
  for (const number of numbersOf(closure)) await chunks.put(number, await closure.chunk(number))
  const { ranges, offsets } = new StagingLayout(closure.list)
  const damaged = ranges.map(({ from, to }) => (from + to) >>> 1)
  for (const [at, { from, to }] of ranges.entries()) {
    const file = await open(join(stores.dir, 'staging', `${from}-${to}`), 'r+')
    await file.write(Buffer.from('!!'), 0, 2, (offsets[damaged[at] ?? 0] ?? 0) + 1)
    await file.close()
  }
  const held = await b.holdTempRoots(closure.list.paths.map(({ described }) => described.path))
  t.after(() => held.release())
  const asked: number[] = []
  const available = async (number: number) => {
    asked.push(number)
    await chunks.put(number, await closure.chunk(number))
  }
  await assembler(closure, chunks).run(closure.list.paths, available, { signal: t.signal })
  assert.deepEqual(asked.toSorted(), damaged.toSorted())
  await assertWhole(all, closure)
})

test('a descriptor that lies fails the closure, and of its wrong path nothing is left', options, async t => {
  const all = await world(t)
  const { b, realB, open, assembler } = all
  const [closure, other] = [await generation(all, newContent()), await generation(all, newContent())]
  // Signatures are of NAR hashes, and those are the right ones; the recipes are those of other content of the same sizes.
  const { chunks } = await open(other, 'staging')
  const available = async (number: number) => chunks.put(number, await other.chunk(number))
  const paths = closure.list.paths.map((path, place) => {
    const { recipe, chunks: numbers } = other.list.paths[place] ?? path
    return { ...path, recipe, chunks: numbers }
  })
  const running = assembler(other, chunks).run(paths, available, { signal: t.signal })
  await assert.rejects(running, { code: 'wrong-closure' })
  assert.equal((await b.validPaths(closure.list.paths.map(({ described }) => described.path))).size, 0)
  await realB.nixStore('--verify', '--check-contents')
})

test('a run that is broken off, or whose chunks cannot come, ends with the reason', options, async t => {
  const all = await world(t)
  const { open, assembler } = all
  const closure = await generation(all, newContent())
  const { chunks } = await open(closure, 'staging')
  const abort = new AbortController()
  const waiting = Promise.withResolvers<void>()
  const never = () => {
    waiting.resolve()
    return new Promise<never>(() => {})
  }
  const running = assembler(closure, chunks).run(closure.list.paths, never, abort)
  await Promise.race([waiting.promise, running])
  abort.abort(new Error('enough'))
  await assert.rejects(running, /enough/)
  const failing = assembler(closure, chunks).run(
    closure.list.paths,
    async () => {
      throw new Error('nobody has it')
    },
    { signal: t.signal },
  )
  await assert.rejects(failing, /nobody has it/)
  const lost = assembler(closure, chunks).run(closure.list.paths, async () => {}, { signal: t.signal })
  await assert.rejects(lost, { code: 'chunk-lost' })
})
