/** Tests of fetching a closure from members in memory into a store in memory. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Certificate } from '../../protocol/certificate.ts'
import { type Closure, closureSize } from '../../protocol/closure.ts'
import type { NarRequest } from '../../protocol/messages.ts'
import { peerIdOf } from '../../protocol/peer-id.ts'
import { withCode } from '../../test/helpers/errors.ts'
import { testClosure, testSigner, testStorePath } from '../../test/helpers/fleet.ts'
import { silentLogger } from '../log.ts'
import type { Member } from '../mesh/admission.ts'
import type { PathInfo } from '../store/path-info.ts'
import { storeError } from '../store/store-error.ts'
import { fetchClosure } from './closure-fetch.ts'

type Send = (request: NarRequest, size: number) => AsyncIterable<Uint8Array>

const good: Send = async function* (_request, size) {
  for (let left = size; left > 0; left -= 1024) yield new Uint8Array(Math.min(left, 1024))
}
const corrupt: Send = async function* (_request, size) {
  yield new Uint8Array(size).fill(1)
}
const nothing: Send = async function* () {
  yield* []
  throw new Error('not-found')
}

/** Members by name, and a store that takes NARs of zeros after their references. */
function scene(
  sends: Record<string, Send>,
  options: { roles?: Record<string, Certificate['role']>; free?: number } = {},
) {
  const members = Object.keys(sends).map(name => ({
    peer: peerIdFromString(peerIdOf(testSigner(name).publicKey)),
    certificate: { name, role: options.roles?.[name] ?? 'device' } as Certificate,
    envelope: new Uint8Array(),
  })) satisfies Member[]
  const valid = new Set<string>()
  const asked: string[] = []
  const held = { now: 0 }
  const store = {
    holdTempRoots: async () => {
      held.now++
      return { release: async () => void held.now-- }
    },
    validPaths: async (paths: readonly string[]) => new Set(paths.filter(path => valid.has(path))),
    freeBytes: async () => options.free ?? 1e12,
    import: async (info: PathInfo, nar: AsyncIterable<Uint8Array>) => {
      const missing = info.references.find(path => path !== info.path && !valid.has(path))
      if (missing !== undefined) throw storeError('reference-missing', missing)
      let bytes = 0
      for await (const chunk of nar) {
        bytes += chunk.length
        if (chunk.some(byte => byte !== 0)) throw storeError('nar-mismatch', 'another hash')
      }
      if (bytes !== info.narSize) throw storeError('nar-mismatch', 'another size')
      valid.add(info.path)
      return 'imported' as const
    },
  }
  const nars = {
    fetch: (peer: PeerId, request: NarRequest, size: number) => {
      const name = members.find(member => member.peer.equals(peer))?.certificate.name ?? ''
      asked.push(name)
      return sends[name]?.(request, size) as AsyncGenerator<Uint8Array>
    },
  }
  const running = new Map<string, string>()
  const directory = {
    report: (peer: string) => {
      const path = running.get(peer)
      return path === undefined ? undefined : ({ document: { running: path } } as never)
    },
  }
  const runs = (name: string, path: string) => {
    running.set(peerIdOf(testSigner(name).publicKey), path)
  }
  const components = { store: store as never, nars, admission: { members }, directory, log: silentLogger }
  const fetch = (closure: Closure, signal = new AbortController().signal) =>
    fetchClosure(components, closure, { signal })
  return { fetch, valid, asked, held, runs, members }
}

const closure = testClosure('kiosk')
const size = closureSize(closure)

/** Many paths, each after all that it references, deeper than there are workers. */
function deepClosure(length: number): Closure {
  const paths = Array.from({ length }, (_, at) => ({
    path: testStorePath(`deep-${at}`),
    narHash: new Uint8Array(32),
    narSize: 100,
    references: at === 0 ? [0] : [at - 1, at],
    signatures: [],
  }))
  return { v: 1, paths }
}

describe('fetchClosure', () => {
  it('brings what is missing, references before referrers, and holds it', async () => {
    const { fetch, valid, held } = scene({ a: good })
    const { progress, release } = await fetch(closure)
    assert.deepEqual([...valid].sort(), closure.paths.map(({ path }) => path).sort())
    assert.deepEqual(progress, { needed: size, fromControllers: 0, fromNeighbours: size, pathsLeft: 0 })
    assert.equal(held.now, 1)
    await release()
    assert.equal(held.now, 0)
  })

  it('gets through a chain longer than it works on at once', async () => {
    const { fetch, valid } = scene({ a: good })
    await fetch(deepClosure(200))
    assert.equal(valid.size, 200)
  })

  it('asks for nothing that is there', async () => {
    const { fetch, valid, asked } = scene({ a: good })
    for (const { path } of closure.paths.slice(0, 2)) valid.add(path)
    const { progress } = await fetch(closure)
    assert.equal(progress.needed, 512)
    assert.equal(asked.length, 1)
  })

  it('gets from the next one what the first one sends wrong, and asks that one no more', async () => {
    const { fetch, valid, asked, runs } = scene({ bad: corrupt, fine: good })
    runs('bad', closure.paths.at(-1)?.path ?? '')
    const { progress } = await fetch(closure)
    assert.equal(valid.size, 3)
    assert.equal(progress.pathsLeft, 0)
    assert.equal(asked[0], 'bad')
    // Those that were asked for side by side before the first failure are the only ones.
    assert.ok(asked.filter(name => name === 'bad').length <= 2, asked.join())
  })

  it('asks neighbours that run it, then controllers, then others', async () => {
    const { fetch, asked, runs } = scene(
      { other: nothing, laptop: nothing, runner: nothing },
      { roles: { laptop: 'controller' } },
    )
    runs('runner', closure.paths.at(-1)?.path ?? '')
    await assert.rejects(fetch(closure), withCode('no-source'))
    assert.deepEqual(asked.slice(0, 3), ['runner', 'laptop', 'other'])
  })

  it('counts what came from controllers apart', async () => {
    const { fetch } = scene({ laptop: good }, { roles: { laptop: 'controller' } })
    const { progress } = await fetch(closure)
    assert.deepEqual([progress.fromControllers, progress.fromNeighbours], [size, 0])
  })

  it('says when nobody has it, and holds nothing', async () => {
    const cases: Record<string, Send>[] = [{ a: nothing, b: nothing }, {}]
    for (const sends of cases) {
      const { fetch, held } = scene(sends)
      await assert.rejects(fetch(closure), withCode('no-source'))
      assert.equal(held.now, 0)
    }
  })

  it('asks for nothing when the disk is too full', async () => {
    const { fetch, asked, held } = scene({ a: good }, { free: size })
    await assert.rejects(fetch(closure), withCode('disk-full'))
    assert.deepEqual(asked, [])
    assert.equal(held.now, 0)
  })

  it('ends with its signal, whatever waits', async () => {
    const asked = Promise.withResolvers<void>()
    const never: Send = async function* () {
      asked.resolve()
      await new Promise<void>((_, reject) =>
        controller.signal.addEventListener('abort', () => reject(new Error('gone'))),
      )
      yield new Uint8Array()
    }
    const controller = new AbortController()
    const { fetch, held } = scene({ a: never })
    const fetching = fetch(deepClosure(20), controller.signal)
    await asked.promise
    controller.abort(new Error('superseded'))
    await assert.rejects(fetching, /superseded/)
    assert.equal(held.now, 0)
  })

  it('stops at what Nix refuses whoever sends it', async () => {
    const refuse: Send = async function* () {
      yield* []
      throw storeError('signature-refused', 'no')
    }
    const { fetch, asked, runs } = scene({ a: refuse, b: good })
    runs('a', closure.paths.at(-1)?.path ?? '')
    await assert.rejects(fetch(closure), withCode('signature-refused'))
    assert.deepEqual(asked, ['a'])
  })
})
