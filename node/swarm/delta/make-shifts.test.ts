/** Tests of the making of shifts: which versions are compared, what is remembered, and what is left out. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { encodeRecipe } from '../../../protocol/closure/recipe.ts'
import { shiftLimits, shiftsCodec } from '../../../protocol/closure/shifts.ts'
import { fromHex, sha256, sha256Hex, toHex } from '../../../protocol/encoding/hash.ts'
import { testStorePath } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { memoryTable } from '../../../test/helpers/memory-table.ts'
import { movedCode } from '../../../test/helpers/moved-code.ts'
import { layOutNar } from '../../store/nar/nar-layout.ts'
import { ShiftMaker } from './make-shifts.ts'

const bytes = 8.5 * 1024 ** 2

/** A maker whose store has these programs; each has a recipe of chunks that it shares with none. */
async function scene(t: TestContext, programs: Readonly<Record<string, Uint8Array>>) {
  const root = await mkdtemp(join(tmpdir(), 'thymesh-shifts-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const documents = new Map<string, Uint8Array>()
  const described = new Map<string, { path: string; recipe: Uint8Array; narSize: number }>()
  const directories = new Map<string, string>()
  for (const [name, content] of Object.entries(programs)) {
    const directory = join(root, name)
    await mkdir(directory)
    await writeFile(join(directory, 'program'), content)
    const { size } = await layOutNar(directory)
    const recipe = encodeRecipe({ size, ...chunksOf(name, size), slotCount: 0, positions: none })
    documents.set(sha256Hex(recipe), recipe)
    const path = testStorePath(name)
    described.set(name, { path, recipe: sha256(recipe), narSize: size })
    directories.set(path, directory)
  }
  const store = {
    validPaths: async (paths: readonly string[]) => new Set(paths.filter(path => directories.has(path))),
    realPath: (path: string) => directories.get(path) ?? '',
  }
  const state = {
    document: async (hash: Uint8Array) => documents.get(toHex(hash)),
    keepDocument: async (document: Uint8Array) => void documents.set(sha256Hex(document), document),
  }
  const maker = new ShiftMaker({ store, state, table: memoryTable(), log: silentLogger } as never)
  let compared = 0
  const make = (held: readonly string[], wanted: readonly string[]) => {
    const of = (names: readonly string[]) => names.map(name => described.get(name)) as never
    const onProgress = (done: number, all: number) => {
      if (done === all) compared += all
    }
    return maker.make([of(held)], of(wanted), { onProgress })
  }
  const read = async (hash = '') => shiftsCodec.decode((await state.document(fromHex(hash))) ?? new Uint8Array())
  return { make, read, directories, documents, described, compared: () => compared }
}

const none = { offsets: new Float64Array(), slots: new Uint32Array() }

function chunksOf(word: string, size: number) {
  const step = 64 * 1024
  const chunks = Array.from({ length: Math.ceil(size / step) }, (_, i) => {
    return { hash: sha256(Buffer.from(`${word} ${i}`)), offset: i * step, length: Math.min(step, size - i * step) }
  })
  return { chunks }
}

describe('the shifts of a release', () => {
  it('are made once for two versions of a large path, and remembered while their recipes are kept', async t => {
    const { before, after } = movedCode('make', { bytes })
    const { make, read, described, documents, compared } = await scene(t, {
      'app-1.0': before,
      'app-2.0': after,
      'other-1.0': before,
    })
    const first = await make(['app-1.0', 'other-1.0'], ['app-2.0'])
    const [pair, ...more] = await read(first)
    assert.deepEqual([pair?.from, pair?.to], [described.get('app-1.0')?.recipe, described.get('app-2.0')?.recipe])
    assert.deepEqual(more, [])
    const half = bytes / 2 / 1024
    assert.ok(pair?.cells.slice(2, 10).every(cell => cell !== undefined && Math.abs(cell - half) <= 64))
    assert.equal(await make(['app-1.0'], ['app-2.0']), first)
    assert.equal(compared(), 1)
    assert.equal(await make([], []), undefined, 'another release, such as one of a site')
    assert.equal(await make(['app-1.0'], ['app-2.0']), first)
    assert.equal(compared(), 1)
    const recipe = toHex(described.get('app-1.0')?.recipe ?? assert.fail())
    const pruned = documents.get(recipe) ?? assert.fail()
    documents.delete(recipe)
    assert.equal(await make([], []), undefined)
    documents.set(recipe, pruned)
    assert.equal(await make(['app-1.0'], ['app-2.0']), first)
    assert.equal(compared(), 2)
  })

  it('are made although as many as a document holds are of paths that this machine lacks', async t => {
    const { before, after } = movedCode('absent', { bytes })
    const { make, described, compared } = await scene(t, { 'app-1.0': before, 'app-2.0': after })
    const absent = Array.from({ length: shiftLimits.pairs }, (_, at) => [`gone${at}-1.0`, `gone${at}-2.0`] as const)
    for (const name of absent.flat()) {
      described.set(name, { path: testStorePath(name), recipe: sha256(Buffer.from(name)), narSize: bytes })
    }
    const olds = [...absent.map(([old]) => old), 'app-1.0']
    assert.ok(await make(olds, [...absent.map(([, fresh]) => fresh), 'app-2.0']))
    assert.equal(compared(), 1)
  })

  it('are none where the content is where one would look for it, which is remembered, too', async t => {
    const { before } = movedCode('still', { bytes })
    const after = Buffer.from(before)
    for (let at = 0; at < after.length; at += 1000) after[at] = 0
    const { make, compared } = await scene(t, { 'app-1.0': before, 'app-2.0': after })
    assert.equal(await make(['app-1.0'], ['app-2.0']), undefined)
    assert.equal(await make(['app-1.0'], ['app-2.0']), undefined)
    assert.equal(compared(), 1)
  })

  it('are none where a version is small or gone, and no reason to fail where it can not be read', async t => {
    const { before, after } = movedCode('gone', { bytes })
    const programs = { 'app-1.0': before, 'app-2.0': after, 'small-1.0': before.subarray(0, 1000), 'small-2.0': after }
    const { make, directories, compared } = await scene(t, programs)
    assert.equal(await make(['small-1.0'], ['small-2.0']), undefined)
    assert.equal(compared(), 0)
    await rm(directories.get(testStorePath('app-1.0')) ?? '', { recursive: true })
    assert.equal(await make(['app-1.0'], ['app-2.0']), undefined)
    assert.equal(compared(), 1)
    directories.delete(testStorePath('app-1.0'))
    assert.equal(await make(['app-1.0'], ['app-2.0']), undefined)
    assert.equal(compared(), 1)
  })
})
