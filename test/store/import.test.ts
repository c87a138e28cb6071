/** Tests of imports: a path is signed, complete and imported after its references, or not at all. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NixStore } from '../../node/store/local/nix-store.ts'
import type { PathInfo } from '../../node/store/path-info.ts'
import { parseNixPublicKey, verifyPath } from '../../protocol/nix/signature.ts'
import { replaceOnce } from '../helpers/replace.ts'
import { missingNix, type RealStore, Stores } from './real-stores.ts'

const options = { skip: await missingNix(), timeout: 120_000 }

interface World {
  stores: Stores
  publicKey: string
  /** Where paths come from. */
  a: NixStore
  realA: RealStore
  /** Where they go. */
  b: NixStore
  realB: RealStore
  /** References before referrers: lib, tool (refers to lib and itself), top (refers to both). */
  closure: PathInfo[]
  lib: PathInfo
  top: PathInfo
}

async function world(t: TestContext): Promise<World> {
  const stores = await Stores.of(t)
  const { file, publicKey } = await stores.key('test-1')
  const realA = stores.real('a')
  const lib = await realA.addText('lib', randomBytes(3_000_000).toString('latin1'))
  const fillTool = async (at: string, path: string) => {
    await mkdir(join(at, 'bin'), { recursive: true })
    await writeFile(join(at, 'bin/tool'), `#!/bin/sh\n# ${path} ${lib}\n`, { mode: 0o755 })
  }
  const tool = await realA.add('tool', fillTool, [lib, '{out}'])
  const top = await realA.addText('top', `${tool} ${lib}`, [tool, lib])
  await realA.sign(file, lib, tool, top)
  const a = await stores.open(realA.root)
  const realB = stores.real('b')
  const b = await stores.open(realB.root, { trustedPublicKeys: [publicKey] })
  const closure = await a.closure(top)
  const [first, , last] = closure
  assert.ok(first !== undefined && last !== undefined)
  return { stores, publicKey, a, realA, b, realB, closure, lib: first, top: last }
}

const narOf = async (store: NixStore, info: PathInfo) => (await store.nar(info.path)).stream()

async function wholeNar(store: NixStore, info: PathInfo): Promise<Buffer> {
  return Buffer.from(await (await store.nar(info.path)).readRange(0, info.narSize))
}

async function* pieces(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

test('a signed closure goes from one store to another', options, async t => {
  const { a, b, realA, realB, closure, publicKey, top } = await world(t)
  assert.deepEqual(
    closure.map(info => info.path.slice(44)),
    ['lib', 'tool', 'top'],
  )
  const key = parseNixPublicKey(publicKey)
  for (const info of closure) {
    assert.ok(verifyPath(info, info.signatures[0] ?? '', [key]))
    assert.equal(await b.isValid(info.path), false)
    assert.equal(await b.import(info, await narOf(a, info)), 'imported')
    assert.ok(await realB.isValid(info.path))
    assert.ok((await realA.dump(info.path)).equals(await realB.dump(info.path)))
  }
  assert.deepEqual(await b.closure(top.path), closure)
  const other = replaceOnce(top.path, 'top', 'other')
  assert.deepEqual(await b.validPaths([...closure.map(info => info.path), other]), new Set(closure.map(i => i.path)))
  await realB.nixStore('--verify', '--check-contents')
})

test('a path that is there is not read again, and its source is closed', options, async t => {
  const { a, b, lib } = await world(t)
  await b.import(lib, await narOf(a, lib))
  let closed = 0
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => assert.fail('it was read'),
      return: async () => {
        closed++
        return { done: true, value: undefined }
      },
    }),
  }
  assert.equal(await b.import(lib, source), 'present')
  assert.equal(closed, 1)
})

test('a path that nobody trusted signed is refused', options, async t => {
  const { a, b, lib, publicKey } = await world(t)
  const wrong = [[], ['test-1:AAAA'], lib.signatures.map(signature => replaceOnce(signature, 'test-1', 'test-2'))]
  for (const signatures of wrong) {
    await assert.rejects(b.import({ ...lib, signatures }, await narOf(a, lib)), { code: 'signature-refused' })
  }
  const narHash = new Uint8Array(32)
  await assert.rejects(b.import({ ...lib, narHash }, await narOf(a, lib)), { code: 'signature-refused' })
  assert.equal(await b.isValid(lib.path), false)
  assert.ok(publicKey.startsWith('test-1:'))
})

test('keys that become trusted later count from then on', options, async t => {
  const { stores, a, publicKey, lib, closure } = await world(t)
  const keys: string[] = []
  const c = await stores.open(stores.real('c').root, { trustedPublicKeys: () => keys })
  await assert.rejects(c.import(lib, await narOf(a, lib)), { code: 'signature-refused' })
  keys.push(publicKey)
  assert.equal(await c.import(lib, await narOf(a, lib)), 'imported')
  keys.pop()
  const next = closure[1]
  assert.ok(next !== undefined)
  await assert.rejects(c.import(next, await narOf(a, next)), { code: 'signature-refused' })
})

test('a corrupt NAR is refused, and the right one taken afterwards', options, async t => {
  const { a, b, lib, realB } = await world(t)
  const nar = await wholeNar(a, lib)
  // Not where it makes Nix 2.8 read another length: it would ask for gigabytes of memory first.
  for (const at of [10, 24, 34, 50, 66, 82, 1_500_000, nar.length - 20, nar.length - 16, nar.length - 1]) {
    const corrupt = Buffer.from(nar)
    corrupt[at] = (corrupt[at] ?? 0) ^ 1
    await assert.rejects(b.import(lib, pieces(corrupt)), { code: 'nar-mismatch' }, `at ${at}`)
    assert.equal(await realB.isValid(lib.path), false)
  }
  assert.equal(await b.import(lib, pieces(nar)), 'imported')
})

test('a NAR that ends early, goes on for too long or breaks off leaves no valid path', options, async t => {
  const { a, b, lib, realB } = await world(t)
  const nar = await wholeNar(a, lib)
  await assert.rejects(b.import(lib, pieces()), { code: 'nar-mismatch' })
  await assert.rejects(b.import(lib, pieces(nar.subarray(0, -1))), { code: 'nar-mismatch' })
  await assert.rejects(b.import(lib, pieces(nar, new Uint8Array(1))), { code: 'nar-mismatch' })
  const breaksAt = async function* (length: number) {
    yield nar.subarray(0, length)
    throw new TypeError('the source broke')
  }
  for (const length of [0, 1, 1_000_000, nar.length]) {
    await assert.rejects(b.import(lib, breaksAt(length)), { name: 'TypeError', message: 'the source broke' })
  }
  assert.equal(await realB.isValid(lib.path), false)
  assert.equal(await b.import(lib, await narOf(a, lib)), 'imported')
})

test('an import that is called off leaves no valid path and closes its source', options, async t => {
  const { a, b, lib, realB } = await world(t)
  const nar = await wholeNar(a, lib)
  const called = new AbortController()
  let closed = false
  const source = async function* () {
    try {
      yield nar.subarray(0, 500_000)
      yield nar.subarray(500_000, 1_000_000)
      setImmediate(() => called.abort(new Error('called off')))
      await new Promise(resolve => called.signal.addEventListener('abort', resolve))
      yield nar.subarray(1_000_000)
    } finally {
      closed = true
    }
  }
  await assert.rejects(b.import(lib, source(), { signal: called.signal }), { message: 'called off' })
  await new Promise(resolve => setImmediate(resolve))
  assert.ok(closed)
  assert.equal(await realB.isValid(lib.path), false)
  await assert.rejects(b.import(lib, pieces(nar), { signal: called.signal }), { message: 'called off' })
  assert.equal(await b.import(lib, pieces(nar)), 'imported')
})

test('a path waits with its last bytes until its references are there', options, async t => {
  const { a, b, closure, top } = await world(t)
  const [lib, tool] = closure
  assert.ok(lib !== undefined && tool !== undefined)
  await assert.rejects(b.import(top, await narOf(a, top)), { code: 'reference-missing' })

  const nar = await wholeNar(a, top)
  const heldBack = async function* () {
    yield nar.subarray(0, -8)
    for (const info of [lib, tool]) await b.import(info, await narOf(a, info))
    yield nar.subarray(-8)
  }
  assert.equal(await b.import(top, heldBack()), 'imported')
})

test('many imports at once, in pieces of any size', options, async t => {
  const { stores, a, b, realA } = await world(t)
  const { file, publicKey } = await stores.key('test-2')
  const paths = await Promise.all(
    Array.from({ length: 12 }, (_, i) => realA.addText(`p${i}`, randomBytes(40_000 * i + 1).toString('base64'))),
  )
  await realA.sign(file, ...paths)
  const c = await stores.open(stores.real('c').root, { trustedPublicKeys: [publicKey] })
  assert.notEqual(b, c)
  await Promise.all(
    paths.map(async (path, i) => {
      const info = await a.pathInfo(path)
      assert.ok(info !== undefined)
      await c.import(info, (await a.nar(path)).stream(0, info.narSize, 1 + i * 5000 + (i === 0 ? 7 : 0)))
    }),
  )
  assert.equal((await c.validPaths(paths)).size, paths.length)
})

test('what is no store path is refused before any daemon hears of it', options, async t => {
  const { b, lib, a } = await world(t)
  const path = '/nix/store/../../etc/passwd'
  await assert.rejects(b.isValid(path), { code: 'path-invalid' })
  await assert.rejects(b.pathInfo(path), { code: 'path-invalid' })
  await assert.rejects(b.import({ ...lib, path }, await narOf(a, lib)), { code: 'path-invalid' })
  assert.throws(() => b.realPath(path), { code: 'path-invalid' })
  await assert.rejects(b.closure(lib.path), { code: 'path-unknown' })
  assert.equal(await b.pathInfo(lib.path), undefined)
})
