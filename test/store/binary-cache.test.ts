/** The binary cache on loopback, as a real Nix uses it. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { BinaryCache } from '../../node/store/cache/binary-cache.ts'
import { narUrl } from '../../node/store/cache/cache-request.ts'
import { type CacheSource, type MeshNars, StoreCacheSource } from '../../node/store/cache/cache-source.ts'
import { DescribedPaths } from '../../node/store/cache/described-paths.ts'
import { HashParts } from '../../node/store/cache/hash-parts.ts'
import type { NixStore } from '../../node/store/local/nix-store.ts'
import type { PathInfo } from '../../node/store/path-info.ts'
import { storeError } from '../../node/store/store-error.ts'
import type { Closure } from '../../protocol/closure/closure.ts'
import { encodeNix32 } from '../../protocol/nix/base32.ts'
import { parseStorePath } from '../../protocol/nix/store-path.ts'
import { parseNarInfo } from '../helpers/narinfo.ts'
import { missingNix, type RealStore, Stores } from './real-stores.ts'

const run = promisify(execFile)
const options = { skip: await missingNix(), timeout: 120_000 }
const PIECE_BYTES = 300_000

/** A machine whose Nix has caches of its own: what it heard once stays there. */
class Client {
  readonly #home: string
  readonly #publicKey: string

  constructor(stores: Stores, publicKey: string) {
    this.#home = join(stores.dir, `home-${randomBytes(4).toString('hex')}`)
    this.#publicKey = publicKey
  }

  async run(program: string, ...args: string[]): Promise<string> {
    const all = ['--option', 'trusted-public-keys', this.#publicKey, '--option', 'require-sigs', 'true', ...args]
    const features = program === 'nix' ? ['--extra-experimental-features', 'nix-command'] : []
    const env = { ...process.env, HOME: this.#home, XDG_CACHE_HOME: join(this.#home, '.cache') }
    return (await run(program, [...features, ...all], { env, timeout: 60_000 })).stdout
  }

  /** As `nixos-rebuild` and `nix build` get what they need. */
  realise(store: RealStore, url: string, path: string): Promise<string> {
    return this.run('nix-store', '--store', `local?root=${store.root}`, '--option', 'substituters', url, '-r', path)
  }
}

interface World {
  stores: Stores
  key: { file: string; publicKey: string }
  /** Where everything is: lib, tool (refers to lib and itself), top (refers to both), all signed. */
  real: RealStore
  store: NixStore
  closure: PathInfo[]
  lib: PathInfo
  top: PathInfo
  client: Client
}

async function world(t: TestContext): Promise<World> {
  const stores = await Stores.of(t)
  const key = await stores.key('test-1')
  const real = stores.real('a')
  const lib = await real.addText('lib', randomBytes(1_000_000).toString('hex'))
  const fillTool = async (at: string, path: string) => {
    await mkdir(join(at, 'bin'), { recursive: true })
    await writeFile(join(at, 'bin/tool'), `#!/bin/sh\n# ${path} ${lib}\n`, { mode: 0o755 })
  }
  const tool = await real.add('tool', fillTool, [lib, '{out}'])
  const top = await real.addText('top', `${tool} ${lib}`, [tool, lib])
  await real.sign(key.file, lib, tool, top)
  const store = await stores.open(real.root)
  const closure = await store.closure(top)
  const [first, , last] = closure
  assert.ok(first !== undefined && last !== undefined)
  return { stores, key, real, store, closure, lib: first, top: last, client: new Client(stores, key.publicKey) }
}

function descriptorOf(infos: readonly PathInfo[]): Closure {
  const places = new Map(infos.map(({ path }, place) => [path, place]))
  const paths = infos.map(({ path, narHash, narSize, references, signatures }) => {
    const slots = references.flatMap(reference => places.get(reference) ?? [])
    return { path, narHash, narSize, signatures, references: slots, recipe: new Uint8Array(32) }
  })
  return { v: 1, paths }
}

const noMesh: MeshNars = {
  async *open(info) {
    yield* []
    throw new Error(`nobody has ${info.path}`)
  },
}

/** The real source over a store, with what a mesh would know and send. */
function sourceOf(t: TestContext, root: string, store: NixStore, mesh = noMesh, closures: Closure[] = []) {
  const described = new DescribedPaths()
  for (const closure of closures) described.add(closure)
  const hashParts = new HashParts(join(root, 'nix/store'))
  const descriptors = { complete: async () => {} }
  const damaged = { has: () => false, found: async () => {} }
  const source = new StoreCacheSource({ store, hashParts, described, mesh, damaged, descriptors })
  t.after(() => source.stop())
  return source
}

async function serve(t: TestContext, source: CacheSource, init = {}): Promise<BinaryCache> {
  const cache = new BinaryCache({ source }, { port: 0, lookUpLimitMs: 1_000, ...init })
  t.after(() => cache.stop())
  await cache.start()
  return cache
}

const hashPartOf = ({ path }: Pick<PathInfo, 'path'>) => parseStorePath(path).hashPart
const narInfoUrl = (cache: BinaryCache, info: Pick<PathInfo, 'path'>) => `${cache.url}/${hashPartOf(info)}.narinfo`

test('a signed closure of the store goes to other stores of the machine', options, async t => {
  const { stores, real, store, closure, lib, top, client } = await world(t)
  const cache = await serve(t, sourceOf(t, real.root, store))
  const [copied, realised] = [stores.real('copied'), stores.real('realised')]
  await client.run('nix', 'copy', '--from', cache.url, '--to', `local?root=${copied.root}`, top.path)
  await client.realise(realised, cache.url, top.path)
  for (const { path } of closure) {
    assert.ok((await copied.isValid(path)) && (await realised.isValid(path)), path)
    assert.deepEqual(await realised.dump(path), await real.dump(path))
  }
  const told: { path: string; narSize: number }[] = JSON.parse(
    await client.run('nix', 'path-info', '--store', cache.url, '--json', '--recursive', top.path),
  )
  assert.deepEqual(
    new Map(told.map(each => [each.path, each.narSize])),
    new Map(closure.map(each => [each.path, each.narSize])),
  )
  const narInfo = parseNarInfo(await (await fetch(narInfoUrl(cache, lib))).text())
  const nar = await fetch(`${cache.url}/g7/${narInfo.url}`, { headers: { range: 'bytes=100-299' } })
  assert.equal(nar.status, 206)
  assert.deepEqual(Buffer.from(await nar.arrayBuffer()), (await real.dump(lib.path)).subarray(100, 300))
})

test('what a release describes comes out of the mesh, into the very store that the cache reads', options, async t => {
  const { stores, store, closure, top, client } = await world(t)
  const here = stores.real('here')
  const hereStore = await stores.open(here.root)
  let failures = 0
  const mesh: MeshNars = {
    async *open(info, start) {
      let sent = 0
      for await (const piece of (await store.nar(info.path)).stream(start, undefined, PIECE_BYTES)) {
        // Each member goes away after a while; another one goes on.
        if (sent >= 2 * PIECE_BYTES && ++failures > 0) throw new Error('the member has gone')
        sent += piece.length
        yield piece
      }
    },
  }
  const cache = await serve(t, sourceOf(t, here.root, hereStore, mesh, [descriptorOf(closure)]))
  await client.realise(here, cache.url, top.path)
  assert.deepEqual(
    (await hereStore.closure(top.path)).map(({ path }) => path),
    closure.map(({ path }) => path),
  )
  assert.ok(failures >= 3, `${failures} members went away`)
})

test('Nix reads on where a NAR was cut', options, async t => {
  const { stores, real, store, lib, client } = await world(t)
  const source = sourceOf(t, real.root, store)
  const starts: number[] = []
  const cutting: CacheSource = {
    lookUp: hashPart => source.lookUp(hashPart),
    async *nar(info, start, signal) {
      starts.push(start)
      let sent = 0
      for await (const piece of source.nar(info, start, signal)) {
        yield piece
        sent += piece.length
        if (sent >= 700_000 && starts.length < 3) throw new Error('cut')
      }
    },
  }
  const cache = await serve(t, cutting)
  const to = stores.real('to')
  await client.realise(to, cache.url, lib.path)
  assert.deepEqual(await to.dump(lib.path), await real.dump(lib.path))
  assert.equal(starts.length, 3)
  assert.ok(
    starts.every((start, at) => at === 0 || start > (starts[at - 1] ?? 0)),
    String(starts),
  )
})

test('nobody gets what nobody signed, and Nix refuses what a stranger signed', options, async t => {
  const { stores, real, store, client } = await world(t)
  const unsigned = await real.addText('unsigned', 'private')
  const strange = await real.addText('strange', 'strange')
  await real.sign((await stores.key('stranger-1')).file, strange)
  const source = sourceOf(t, real.root, store)
  const cache = await serve(t, source)
  assert.equal((await fetch(narInfoUrl(cache, { path: unsigned }))).status, 404)
  const info = await store.pathInfo(unsigned)
  assert.ok(info !== undefined)
  const url = narUrl(hashPartOf(info), encodeNix32(info.narHash))
  assert.equal((await fetch(`${cache.url}/${url}`)).status, 404)
  const to = stores.real('to')
  for (const path of [unsigned, strange]) {
    await assert.rejects(client.realise(to, cache.url, path))
    assert.equal(await to.isValid(path), false)
  }
  // A source that served it all the same would be stopped by Nix.
  const careless = await serve(t, {
    lookUp: async () => info,
    nar: (_, start, signal) => source.nar({ ...info, signatures: ['test-1:AAAA'] }, start, signal),
  })
  await assert.rejects(client.realise(to, careless.url, unsigned), /is not signed by any of the keys/)
  assert.equal(await to.isValid(unsigned), false)
})

test('content-addressed paths need no signature', options, async t => {
  const { stores, real, store, client } = await world(t)
  const file = join(stores.dir, 'file')
  await writeFile(file, 'content')
  const path = (await real.nixStore('--add', file)).trim()
  const cache = await serve(t, sourceOf(t, real.root, store))
  const to = stores.real('to')
  await client.realise(to, cache.url, path)
  assert.ok(await to.isValid(path))
})

test('a release under its own URL is not hidden by what Nix remembers', options, async t => {
  const { stores, key, real, store, client } = await world(t)
  const late = await real.addText('late', 'late')
  await real.sign(key.file, late)
  const [wanted, other] = [stores.real('wanted'), stores.real('other')]
  // The same path, asked for before and after it came.
  let known = false
  const source = sourceOf(t, real.root, store)
  const growing = await serve(t, {
    lookUp: async hashPart => (known ? source.lookUp(hashPart) : undefined),
    nar: (...args) => source.nar(...args),
  })
  await assert.rejects(client.realise(wanted, `${growing.url}/g1`, late))
  known = true
  await assert.rejects(
    client.realise(wanted, `${growing.url}/g1`, late),
    'Nix has forgotten a 404: /g<N>/ is of no use',
  )
  await client.realise(wanted, `${growing.url}/g2`, late)
  assert.ok(await wanted.isValid(late))
  await client.run(
    'nix-store',
    '--store',
    `local?root=${other.root}`,
    '--option',
    'narinfo-cache-negative-ttl',
    '0',
    '--option',
    'substituters',
    `${growing.url}/g1`,
    '-r',
    late,
  )
  assert.ok(await other.isValid(late))
})

test('a path that was collected is not served any more, one that is being sent stays', options, async t => {
  const { real, store, lib, top, closure } = await world(t)
  const source = sourceOf(t, real.root, store)
  const cache = await serve(t, source)
  const url = `${cache.url}/${narUrl(hashPartOf(lib), encodeNix32(lib.narHash))}`
  const pieces = source.nar(lib, 0, new AbortController().signal)[Symbol.asyncIterator]()
  await pieces.next()
  await real.nixStore('--gc')
  assert.equal(await real.isValid(top.path), false)
  assert.ok(await real.isValid(lib.path))
  await pieces.return?.()
  await source.stop()
  await real.nixStore('--delete', lib.path)
  for (const info of closure) assert.equal((await fetch(narInfoUrl(cache, info))).status, 404)
  assert.equal((await fetch(url)).status, 404)
})

test('a source that fails is a 404 to Nix, which asks the next cache', options, async t => {
  const { stores, real, store, lib, client } = await world(t)
  const fail = () => {
    throw storeError('store-unavailable', 'no daemon')
  }
  const broken = await serve(t, { lookUp: async () => fail(), nar: fail })
  const halfBroken = await serve(t, { lookUp: async () => lib, nar: fail })
  const whole = await serve(t, sourceOf(t, real.root, store), { priority: 90 })
  const to = stores.real('to')
  await client.realise(to, `${broken.url} ${halfBroken.url} ${whole.url}`, lib.path)
  assert.ok(await to.isValid(lib.path))
  assert.equal((await fetch(`${broken.url}/nix-cache-info`)).status, 200)
})
