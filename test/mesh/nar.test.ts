/** NARs between peers with real Nix stores: out of one, into another, whoever of the sources misbehaves. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { servedNarsPerPeer } from '../../node/defaults.ts'
import { silentLogger } from '../../node/log.ts'
import type { NixStore } from '../../node/store/nix-store.ts'
import { fetchClosure } from '../../node/swarm/closure-fetch.ts'
import type { Closure } from '../../protocol/closure.ts'
import { seal } from '../../protocol/dsse.ts'
import { reportKind } from '../../protocol/report.ts'
import { withCode } from '../helpers/errors.ts'
import { testClosure } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh, type TestPeer, until } from '../helpers/mesh.ts'
import { missingNix, Stores } from '../store/real-stores.ts'

/** A library and an application that references it, signed, in a store of their own. */
async function source(t: TestContext) {
  const stores = await Stores.of(t)
  const key = await stores.key('fleet-1')
  const real = stores.real('source')
  const library = await real.addText('library', 'x'.repeat(3 << 20))
  const app = await real.addText('app', `uses ${library}\n`, [library])
  await real.sign(key.file, library, app)
  const store = await stores.open(real.root)
  const described = async (path: string, references: number[]) => {
    const info = await store.pathInfo(path)
    assert.ok(info)
    const { narHash, narSize, signatures } = info
    return { path, narHash, narSize, references, signatures: [...signatures] }
  }
  const closure: Closure = { v: 1, paths: [await described(library, []), await described(app, [0])] }
  const target = stores.real('target')
  const targetStore = await stores.open(target.root, { trustedPublicKeys: () => [key.publicKey] })
  return { stores, store, closure, target, targetStore }
}

/** Sends NARs of the right size with a byte that is not. */
function corrupting(store: NixStore): Partial<NixStore> {
  const nar = async (path: string) => {
    const { size, stream } = await store.nar(path).then(each => ({ size: each.size, stream: each.stream() }))
    async function* corrupted() {
      let at = 0
      for await (const chunk of stream) {
        const middle = size >> 1
        if (at <= middle && middle < at + chunk.length) chunk[middle - at] = (chunk[middle - at] ?? 0) ^ 1
        at += chunk.length
        yield chunk
      }
    }
    return { size, stream: corrupted }
  }
  return { isValid: (path: string) => store.isValid(path), nar } as unknown as Partial<NixStore>
}

function fetchBy(peer: TestPeer, store: NixStore, closure: Closure) {
  const { nars, admission, directory } = peer
  const components = { store, nars, admission, directory, log: silentLogger }
  return fetchClosure(components, closure, { signal: AbortSignal.timeout(120_000) })
}

describe('NARs over the mesh', { skip: await missingNix() }, () => {
  it('come from the second peer when the first sends a corrupt one', async t => {
    const { store, closure, target, targetStore } = await source(t)
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const bad = await made.start({ word: 'bad', fleet, store: corrupting(store) })
    const fine = await made.start({ word: 'fine', fleet, store: readOnly(store) })
    const peer = await made.start({ word: 'peer', fleet })
    for (const each of [bad, fine]) await each.closures.add(closure)
    await connect(peer, bad)
    await connect(peer, fine)
    // It says that it runs what is wanted, so it is asked first.
    const running = closure.paths.at(-1)?.path
    const report = { v: 1, fleet: fleet.fleet, peer: bad.identity.peerId, counter: 1, running } as const
    await peer.directory.addReport(seal(reportKind, { ...report, state: 'running', freshness: 'fresh' }, bad.signer))
    const { progress, release } = await fetchBy(peer, targetStore, closure)
    await release()
    assert.equal(progress.pathsLeft, 0)
    assert.ok(progress.fromNeighbours > progress.needed, 'bytes of the corrupt one came, too')
    for (const { path } of closure.paths) assert.ok(await target.isValid(path), path)
    assert.deepEqual(await target.dump(closure.paths[0]?.path ?? ''), await dumpOf(store, closure.paths[0]?.path ?? ''))
  })

  it('have no source when nobody serves them', async t => {
    const { store, closure, target, targetStore } = await source(t)
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    // The first has the paths, but no release that names them; the second knows them, but has none.
    const unserved = await made.start({ word: 'unserved', fleet, store: readOnly(store) })
    const empty = await made.start({ word: 'empty', fleet })
    await empty.closures.add(closure)
    const peer = await made.start({ word: 'peer', fleet })
    await connect(peer, unserved)
    await connect(peer, empty)
    await assert.rejects(fetchBy(peer, targetStore, closure), withCode('no-source'))
    const [library] = closure.paths
    assert.ok(library)
    const asked = { path: library.path, narHash: library.narHash }
    const ask = (from: TestPeer) => peer.nars.fetch(from.host.peerId, asked, library.narSize).next()
    await assert.rejects(ask(unserved), withCode('not-served'))
    await assert.rejects(ask(empty), withCode('not-found'))
    assert.equal(await target.isValid(library.path), false)
  })
})

describe('serving NARs', () => {
  it('leaves turns to others when one peer takes many and reads slowly', async t => {
    const made = await Mesh.of(t)
    const fleet = liveFleet()
    const closure = testClosure('kiosk')
    const [path] = closure.paths
    assert.ok(path)
    const request = { path: path.path, narHash: path.narHash }
    const size = 64 << 20
    async function* stream() {
      for (let left = size; left > 0; left -= 1 << 16) yield new Uint8Array(1 << 16)
    }
    const store = { isValid: async () => true, nar: async () => ({ size, stream }) } as unknown as Partial<NixStore>
    const server = await made.start({ word: 'server', fleet, store })
    await server.closures.add(closure)
    const greedy = await made.start({ word: 'greedy', fleet })
    const modest = await made.start({ word: 'modest', fleet })
    await connect(greedy, server)
    await connect(modest, server)
    const fetch = (peer: TestPeer) => peer.nars.fetch(server.host.peerId, request, size)
    const begun = Array.from({ length: servedNarsPerPeer }, () => fetch(greedy))
    await Promise.all(begun.map(each => each.next()))
    await assert.rejects(fetch(greedy).next(), withCode('busy'))
    const other = fetch(modest)
    assert.equal((await other.next()).done, false)
    for (const each of [...begun, other]) await each.return(undefined)
    await until(
      async () =>
        (await fetch(greedy)
          .next()
          .catch(() => undefined)) !== undefined,
      'a turn to be free',
    )
  })
})

/** A peer ends its store with itself; this one is the test's. */
function readOnly(store: NixStore): Partial<NixStore> {
  return { isValid: path => store.isValid(path), nar: path => store.nar(path) }
}

async function dumpOf(store: NixStore, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await store.nar(path)).stream()) chunks.push(chunk)
  return Buffer.concat(chunks)
}
