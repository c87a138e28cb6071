/** Tests of the binary cache's source: the store and the mesh agree, differ and fail. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Closure } from '../../../protocol/closure/closure.ts'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import type { NixStore } from '../local/nix-store.ts'
import type { PathInfo } from '../path-info.ts'
import { storeError } from '../store-error.ts'
import { type MeshNars, StoreCacheSource } from './cache-source.ts'
import { DescribedPaths } from './described-paths.ts'
import { HashParts } from './hash-parts.ts'
import { resumed } from './resume.ts'

const HASH_PART = 'ab3li50xq0nl4q5lxdyinb8w8y13my9s'
const PATH = `/nix/store/${HASH_PART}-f`
const OTHER = '/nix/store/00000000000000000000000000000000-g'
const SIZE = 1000
const info = (fill: number, change: Partial<PathInfo> = {}): PathInfo => ({
  path: PATH,
  narHash: new Uint8Array(32).fill(fill),
  narSize: SIZE,
  references: [],
  signatures: [`store:${fill}`],
  ...change,
})
const closureOf = (fill: number | Uint8Array, signatures = ['release:1']): Closure => {
  const recipe = new Uint8Array(32)
  const narHash = typeof fill === 'number' ? new Uint8Array(32).fill(fill) : fill
  return {
    v: 1,
    paths: [
      { path: OTHER, narHash, narSize: SIZE, references: [], recipe, signatures },
      { path: PATH, narHash, narSize: SIZE, references: [0, 1], recipe, signatures },
    ],
  }
}

async function* body(start = 0, end = SIZE): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += 100) yield Buffer.alloc(Math.min(100, end - at), at)
}

interface Parts {
  local?: PathInfo
  closures?: Closure[]
  nar?: (start?: number) => AsyncIterable<Uint8Array>
  mesh?: MeshNars['open']
}

function sourceOf({ local, closures = [], nar = body, mesh = () => body(SIZE) }: Parts) {
  const described = new DescribedPaths()
  for (const closure of closures) described.add(closure)
  const held = new Set<string>()
  const store = {
    pathInfo: async (path: string) => (path === local?.path ? local : undefined),
    nar: async () => ({ size: SIZE, stream: nar }),
    holdTempRoots: async () => ({ add: async (path: string) => held.add(path), release: async () => held.clear() }),
  } as unknown as NixStore
  const descriptors = { complete: async () => {} }
  const found = new Set<string>()
  const damaged = {
    has: (path: string) => found.has(path),
    found: async (path: string) => void found.add(path),
  }
  const hashParts = { find: async (part: string) => (part === HASH_PART ? [`${PATH}.lock`, PATH] : []) }
  return {
    source: new StoreCacheSource({ store, hashParts, described, descriptors, damaged, mesh: { open: mesh } }),
    held,
    found,
  }
}

const never = new AbortController().signal
const collect = async (bytes: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(bytes))
const whole = await collect(body(0))

test('serves what is signed or content-addressed', async () => {
  assert.deepEqual(await sourceOf({ local: info(1) }).source.lookUp(HASH_PART), info(1))
  const unsigned = info(1, { signatures: [] })
  assert.equal(await sourceOf({ local: unsigned }).source.lookUp(HASH_PART), undefined)
  const fixed = info(1, { signatures: [], contentAddress: 'fixed:r:sha256:x' })
  assert.deepEqual(await sourceOf({ local: fixed }).source.lookUp(HASH_PART), fixed)
  assert.equal(await sourceOf({ closures: [closureOf(1, [])] }).source.lookUp(HASH_PART), undefined)
  assert.equal(await sourceOf({}).source.lookUp(HASH_PART), undefined)
})

test("what a release says counts, with the store's signatures if the bytes are the same", async () => {
  const references = [OTHER, PATH]
  const closures = [closureOf(1)]
  const described = info(1, { references, signatures: ['release:1'] })
  assert.deepEqual(await sourceOf({ closures }).source.lookUp(HASH_PART), described)
  const same = await sourceOf({ closures, local: info(1, { references }) }).source.lookUp(HASH_PART)
  assert.deepEqual(same?.signatures, ['store:1', 'release:1'])
  assert.deepEqual(await sourceOf({ closures, local: info(2) }).source.lookUp(HASH_PART), described)
})

/** The path with the hash that its bytes have. */
const sound = info(0, { narHash: sha256(whole) })

test('sends out of the store, held while it is sent, and out of the mesh what it lacks', async () => {
  const { source, held } = sourceOf({ local: sound })
  const pieces = source.nar(sound, 300, never)[Symbol.asyncIterator]()
  await pieces.next()
  assert.deepEqual([...held], [PATH])
  await pieces.return?.()
  await source.stop()
  assert.equal(held.size, 0)
  assert.deepEqual(await collect(source.nar(sound, 300, never)), whole.subarray(300))

  const starts: number[] = []
  const mesh: MeshNars['open'] = (_, start) => {
    starts.push(start)
    return body(start)
  }
  const remote = sourceOf({ closures: [closureOf(sound.narHash)], local: info(2), mesh }).source
  assert.deepEqual(await collect(remote.nar(sound, 100, never)), whole.subarray(100))
  assert.deepEqual(starts, [100])
  await assert.rejects(collect(sourceOf({}).source.nar(sound, 0, never)), { code: 'path-unknown' })
})

test('a store that fails half-way is left for the mesh', async () => {
  const starts: number[] = []
  const { source } = sourceOf({
    local: sound,
    closures: [closureOf(sound.narHash)],
    async *nar(start) {
      yield* body(start, 400)
      throw storeError('path-unknown', 'collected')
    },
    mesh: (_, start) => {
      starts.push(start)
      return body(start)
    },
  })
  assert.deepEqual(await collect(source.nar(sound, 0, never)), whole)
  // The last piece before the failure was held back.
  assert.deepEqual(starts, [300])
})

test('a damaged path never ends whole: it comes from the mesh, or is cut off', async () => {
  async function* forged(start?: number) {
    for await (const piece of body(start)) yield Buffer.alloc(piece.length, 'x')
  }
  const closures = [closureOf(sound.narHash)]
  const sent: Uint8Array[] = []
  const { source, found } = sourceOf({ local: sound, closures, nar: forged, mesh: (_, start) => body(start) })
  const taken = async () => {
    for await (const piece of source.nar(sound, 0, never)) sent.push(piece)
  }
  await assert.rejects(taken, { code: 'nar-mismatch' })
  assert.equal(Buffer.concat(sent).length, SIZE - 100)
  assert.deepEqual([...found], [PATH])
  assert.deepEqual(await collect(source.nar(sound, 0, never)), whole)
  // Nothing was sent yet: the mesh sends all of it.
  const small = async function* () {
    yield Buffer.alloc(SIZE, 'x')
  }
  const first = sourceOf({ local: sound, closures, nar: small, mesh: (_, start) => body(start) })
  assert.deepEqual(await collect(first.source.nar(sound, 0, never)), whole)
  const alone = sourceOf({ local: sound, nar: forged })
  await assert.rejects(collect(alone.source.nar(sound, 500, never)), { code: 'nar-mismatch' })
  await assert.rejects(collect(alone.source.nar(sound, 0, never)), { code: 'path-unknown' })
})

test('reads on as long as each try brings something, and gives up on lies', async () => {
  const init = { start: 0, size: SIZE, signal: never, isFinal: () => false, retryMs: 1 }
  let tries = 0
  const brittle = async function* (start: number) {
    tries++
    yield* body(start, start + 100)
    if (tries % 2 === 0) throw new Error('gone')
  }
  assert.deepEqual(await collect(resumed(brittle, init)), whole)
  assert.equal(tries, 10)
  tries = 0
  const dead = (start: number) => {
    tries++
    return body(start, 500)
  }
  await assert.rejects(collect(resumed(dead, init)), { code: 'nar-mismatch' })
  assert.equal(tries, 4)
  await assert.rejects(collect(resumed(() => body(0, 2 * SIZE), { ...init, isFinal: () => true })), /has more/)
})

test('finds paths by their hash part in one look', async t => {
  const dir = await mkdtemp(join(tmpdir(), 'thymesh-hash-parts-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  for (const name of [`${HASH_PART}-f`, `${HASH_PART}-f.lock`, `${HASH_PART}`, '.links', `${OTHER.slice(11)}`]) {
    await mkdir(join(dir, name))
  }
  const parts = new HashParts(dir)
  const [one, two, none] = await Promise.all([HASH_PART, '0'.repeat(32), '1'.repeat(32)].map(part => parts.find(part)))
  assert.deepEqual([one?.toSorted(), two, none], [[PATH, `${PATH}.lock`], [OTHER], []])
  await mkdir(join(dir, `${'1'.repeat(32)}-late`))
  assert.equal((await parts.find('1'.repeat(32))).length, 1)
  assert.deepEqual(await new HashParts(join(dir, 'none')).find(HASH_PART), [])
})
