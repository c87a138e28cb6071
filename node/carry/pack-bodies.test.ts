/** Packs out of the files of paths, made in threads: of nothing that is not verified. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { encodePackBody } from '../../protocol/bundle/pack.ts'
import { filler, referenceLength } from '../../protocol/closure/positions.ts'
import { sha256, toHex } from '../../protocol/encoding/hash.ts'
import { unpacked } from '../bundle/packing.ts'
import { FileHandles } from '../store/nar/file-handles.ts'
import { layOutNar } from '../store/nar/nar-layout.ts'
import { NarReader } from '../store/nar/nar-reader.ts'
import { PackBodies } from './pack-bodies.ts'
import type { PlannedChunk } from './planned-chunk.ts'

const chunkBytes = 1000

/** A store with two paths of two files each. In both, a reference lies across the end of the second chunk. */
class Fixture {
  readonly root: string
  readonly elsewhere = new Map<string, Uint8Array>()
  readonly bodies: PackBodies
  readonly #chunks = new Map<string, Uint8Array[]>()

  private constructor(root: string) {
    this.root = root
    const open = async ({ list }: PlannedChunk['closure']) => ({
      chunks: { read: async (number: number) => this.elsewhere.get(toHex(list.hash(number))) },
    })
    const store = { realPath: (path: string) => join(root, path) }
    this.bodies = new PackBodies({ store, swarms: { open } as never }, { threads: 2 })
  }

  static async of(t: TestContext): Promise<Fixture> {
    const fixture = new Fixture(await mkdtemp(join(tmpdir(), 'thymesh-packs-')))
    t.after(async () => {
      await fixture.bodies.stop()
      await rm(fixture.root, { recursive: true, force: true })
    })
    for (const name of ['one', 'two']) {
      await mkdir(join(fixture.root, name))
      for (const file of ['first', 'second']) await writeFile(fixture.file(name, file), content(`${name} ${file}`))
    }
    fixture.bodies.start()
    return fixture
  }

  file(name: string, file: string): string {
    return join(this.root, name, file)
  }

  /** The chunks of a path as a plan has them, by the bytes that are there now. */
  async plan(name: string): Promise<PlannedChunk[]> {
    const handles = new FileHandles()
    const nar = new NarReader(await layOutNar(join(this.root, name)), handles)
    const normal = Buffer.from(await nar.readRange(0, nar.size))
    await handles.closeUnused()
    const reference = 2 * chunkBytes - 7
    normal.fill(filler, reference, reference + referenceLength)
    const count = Math.ceil(nar.size / chunkBytes)
    const bytes = Array.from({ length: count }, (_, i) => normal.subarray(chunkBytes * i, chunkBytes * (i + 1)))
    this.#chunks.set(name, bytes)
    const recipe = {
      size: nar.size,
      chunks: bytes.map((each, i) => ({ hash: sha256(each), offset: chunkBytes * i, length: each.length })),
      positions: { offsets: Float64Array.of(reference), slots: Uint32Array.of(0) },
    }
    const path = { described: { path: name }, recipe }
    const list = {
      hash: (number: number) => recipe.chunks[number]?.hash,
      length: (number: number) => recipe.chunks[number]?.length,
      placeOf: (number: number) => ({ path, place: number }),
    }
    return bytes.map((_, number) => ({ closure: { list }, number }) as never)
  }

  chunk(name: string, number: number): Uint8Array {
    return this.#chunks.get(name)?.[number] ?? Buffer.of()
  }

  /** Makes a pack, and compares its body with these chunks. */
  async assertPacked(wanted: readonly PlannedChunk[], chunks: readonly Uint8Array[]): Promise<void> {
    const body = await unpacked(await this.bodies.packed(wanted))
    assert.deepEqual(
      Buffer.from(body),
      Buffer.from(encodePackBody(chunks.map(bytes => ({ id: sha256(bytes), bytes })))),
    )
  }
}

function content(word: string): Buffer {
  const bytes = Buffer.alloc(3000, word)
  for (let at = 0; at < bytes.length; at += 100) bytes.writeUInt32BE(at, at)
  return bytes
}

describe('packs', () => {
  it('are made of runs of chunks, normalised, of several paths and at the same time', async t => {
    const fixture = await Fixture.of(t)
    const one = await fixture.plan('one')
    const two = await fixture.plan('two')
    const all = (name: string, chunks: readonly PlannedChunk[]) => chunks.map((_, i) => fixture.chunk(name, i))
    await Promise.all([
      fixture.assertPacked([...one, ...two], [...all('one', one), ...all('two', two)]),
      fixture.assertPacked(
        [...one.slice(1, 2), ...two.slice(2, 4)],
        [fixture.chunk('one', 1), ...[2, 3].map(i => fixture.chunk('two', i))],
      ),
      fixture.assertPacked(one.slice(2), all('one', one).slice(2)),
    ])
  })

  it('take from elsewhere what the path lost, or what is not as it was', async t => {
    const fixture = await Fixture.of(t)
    const one = await fixture.plan('one')
    const two = await fixture.plan('two')
    const damaged = content('one first')
    damaged[2500] = 0xff
    await writeFile(fixture.file('one', 'first'), damaged)
    await rm(join(fixture.root, 'two'), { recursive: true })
    const wanted = [...one, ...two.slice(0, 1)]
    const chunks = [...one.map((_, i) => fixture.chunk('one', i)), fixture.chunk('two', 0)]
    await assert.rejects(fixture.bodies.packed(wanted), { code: 'chunk-missing' })
    for (const bytes of chunks) fixture.elsewhere.set(toHex(sha256(bytes)), bytes)
    await fixture.assertPacked(wanted, chunks)
  })

  it('are not made of files that are others than they were', async t => {
    const fixture = await Fixture.of(t)
    const one = await fixture.plan('one')
    await truncate(fixture.file('one', 'second'), 2000)
    await assert.rejects(fixture.bodies.packed(one), { code: 'chunk-missing' })
  })
})
