/** Tests of the refresher with sources in memory: what is refused changes nothing, and nobody holds up news. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as tick } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { sha256 } from '../../../protocol/encoding/hash.ts'
import { type DocumentRequest, namedDocumentsCodec } from '../../../protocol/messages/messages.ts'
import { peerIdOf } from '../../../protocol/signing/peer-id.ts'
import { namedRelease } from '../../../protocol/trust/fleet.ts'
import type { Published } from '../../../protocol/trust/publish.ts'
import { type TestFleet, testFleet, testNow, testSigner } from '../../../test/helpers/fleet.ts'
import { silentLogger } from '../../../test/helpers/log.ts'
import { signedJson, signJson } from '../../../test/helpers/metadata.ts'
import { publishRelease } from '../../../test/helpers/publish-release.ts'
import { dump, testState } from '../../../test/helpers/state.ts'
import { FleetState } from '../../state/fleet-state.ts'
import { idleRefreshMs, refreshRetryMs } from '../limits.ts'
import { DocumentError } from './documents.ts'
import { Refresher } from './refresher.ts'

/** The answers of a source in memory; `hang` never answers until it is aborted. */
type Source = (request: DocumentRequest) => Uint8Array | undefined | 'hang'

const peer = (word: string): PeerId => peerIdFromString(peerIdOf(testSigner(word).publicKey))

/** Answers with what was published. */
function honest(fleet: TestFleet, published: Published, also: readonly Uint8Array[] = []): Source {
  const { root, timestamp, snapshot, targets, delegated } = published.trusted
  const metadata = [snapshot, targets, ...Object.values(delegated)].flatMap(loaded => (loaded ? [loaded.bytes] : []))
  return request => {
    if ('root' in request) return request.root === 1 ? root.bytes : undefined
    if ('head' in request) return timestamp?.bytes
    if (!('hash' in request)) return undefined
    const found = [...also, ...metadata].find(bytes => Buffer.from(sha256(bytes)).equals(request.hash))
    return found ?? fleet.document(request.hash)
  }
}

async function refreshing(t: TestContext, accepted?: Published) {
  const fleet = testFleet()
  const { database, clock } = await testState(t, { now: testNow })
  const state = await FleetState.load(fleet.fleet, database, clock)
  if (accepted !== undefined) await state.accept(accepted.trusted, async ({ hash }) => fleet.document(hash) ?? hash)
  const sources = new Map<string, Source>()
  const members = new Set<string>()
  const asked: string[] = []
  const ask = async (from: PeerId, request: DocumentRequest, _max: number, signal?: AbortSignal) => {
    asked.push(from.toString())
    await tick()
    signal?.throwIfAborted()
    const answer = sources.get(from.toString())?.(request)
    if (answer !== 'hang') return answer
    await new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    return undefined
  }
  const documents = {
    ask,
    fetch: async (hash: Uint8Array, first?: PeerId, signal?: AbortSignal) => {
      const bytes = first && (await ask(first, { hash }, 1e9, signal))
      if (bytes === undefined) throw new DocumentError('no-peer', 'nobody has it')
      return bytes
    },
  }
  const refresher = new Refresher({
    state,
    documents,
    clock,
    log: silentLogger,
    isMember: each => members.has(each.toString()),
    isConnected: each => sources.has(each.toString()),
    subjectOf: each => ({ peer: each.toString(), group: members.has(each.toString()) ? each.toString() : 'strangers' }),
  })
  t.after(() => refresher.stop())
  const source = (word: string, answer: Source, member = true): PeerId => {
    sources.set(peer(word).toString(), answer)
    if (member) members.add(peer(word).toString())
    return peer(word)
  }
  return { fleet, database, state, refresher, source, sources, asked }
}

const founded = testFleet().published

describe('a refresh', () => {
  it('brings a joiner everything, from its first root on', async t => {
    const { fleet, state, refresher, source } = await refreshing(t)
    const next = fleet.release({ message: 'news' })
    assert.equal(await refresher.refreshFrom(source('a', honest(fleet, next))), true)
    assert.equal(state.accepted?.release.version, 2)
  })

  it('that finds nothing newer changes nothing', async t => {
    const { fleet, refresher, source, database } = await refreshing(t, founded)
    const before = await dump(database)
    assert.equal(await refresher.refreshFrom(source('a', honest(fleet, founded))), false)
    assert.deepEqual(await dump(database), before)
  })

  it('asks a peer whose head is known for nothing that the head says', async t => {
    const { fleet, state, refresher, source, asked } = await refreshing(t, founded)
    const next = fleet.release({ message: 'news' })
    const { root, timestamp } = next.trusted
    assert.ok(timestamp)
    const from = source('a', request => {
      assert.ok('hash' in request || 'named' in request)
      return honest(fleet, next)(request)
    })
    assert.equal(await refresher.refreshFrom(from, { root: root.signed.version, timestamp: timestamp.bytes }), true)
    assert.equal(state.accepted?.release.version, 2)
    assert.equal(asked.length, 4, 'all at once, which a peer of the version before refuses; snapshot, targets, release')
  })

  it('asks once for all that a head names and we lack', async t => {
    const { fleet, state, refresher, source, asked } = await refreshing(t, founded)
    const next = fleet.release({ message: 'news' })
    const { root, snapshot, targets, timestamp } = next.trusted
    const release = fleet.document(namedRelease(next.trusted)?.hash ?? assert.fail())
    assert.ok(timestamp && snapshot && targets && release)
    const all = [snapshot.bytes, targets.bytes, release]
    const from = source('a', request => {
      assert.ok('named' in request)
      assert.deepEqual(request.named, sha256(timestamp.bytes))
      assert.ok(request.without.length > 0 && request.without.length % 4 === 0)
      return namedDocumentsCodec.encode({ documents: all })
    })
    assert.equal(await refresher.refreshFrom(from, { root: root.signed.version, timestamp: timestamp.bytes }), true)
    assert.equal(state.accepted?.release.version, 2)
    assert.equal(asked.length, 1)
  })

  it('walks the roots that a head names, and verifies its timestamp with them', async t => {
    const { fleet, state, refresher, source } = await refreshing(t, founded)
    const { timestamp } = fleet.release({ message: 'news' }).trusted
    assert.ok(timestamp)
    const forged = signJson({ ...signedJson(timestamp), version: 99 }, testSigner('stranger'))
    const head = { root: 9, timestamp: forged }
    assert.equal(await refresher.refreshFrom(source('a', honest(fleet, fleet.published)), head), false)
    assert.equal(state.accepted?.release.version, 1)
  })

  const attacks: [string, (fleet: TestFleet, next: Published) => Source][] = [
    [
      'a timestamp by a stranger',
      (fleet, next) => {
        const { timestamp } = next.trusted
        assert.ok(timestamp)
        const forged = signJson({ ...signedJson(timestamp), version: 99 }, testSigner('stranger'))
        const source = honest(fleet, next)
        return request => ('head' in request ? forged : source(request))
      },
    ],
    [
      "another fleet's metadata",
      () => {
        const other = testFleet({ name: 'elsewhere' })
        return honest(other, other.release())
      },
    ],
    [
      'metadata by other keys, under our root',
      fleet => {
        const thief = testFleet({ name: 'orchard', keys: { ...fleet.keys, timestamp: testSigner('thief') } })
        return honest(fleet, thief.release())
      },
    ],
    [
      'a snapshot that is not the named one',
      (fleet, next) => {
        const source = honest(fleet, next)
        return request => {
          const bytes = source(request)
          return 'hash' in request && bytes instanceof Uint8Array ? Uint8Array.of(...bytes, 32) : bytes
        }
      },
    ],
    [
      'a release that is not the named one',
      (fleet, next) => {
        const source = honest(fleet, next)
        return request => {
          const bytes = source(request)
          return bytes === next.documents[0] ? Buffer.alloc(bytes?.length ?? 0) : bytes
        }
      },
    ],
    [
      'a release that nobody has',
      (fleet, next) => {
        const source = honest(fleet, next)
        return request => (source(request) === next.documents[0] ? undefined : source(request))
      },
    ],
    ['nothing', () => () => undefined],
    ['rubbish', () => () => Buffer.from('rubbish')],
  ]
  for (const [what, attack] of attacks) {
    it(`that gets ${what} changes nothing, and the next one works`, async t => {
      const { fleet, refresher, source, database, state } = await refreshing(t, founded)
      const next = fleet.release({ message: 'news' })
      const before = await dump(database)
      assert.equal(await refresher.refreshFrom(source('hostile', attack(fleet, next))), false)
      assert.deepEqual(await dump(database), before)
      assert.equal(state.accepted?.release.version, 1)
      assert.equal(await refresher.refreshFrom(source('honest', honest(fleet, next))), true)
      assert.equal(state.accepted?.release.version, 2)
    })
  }

  it('never goes back to a lower version', async t => {
    const { fleet, refresher, source, database, state } = await refreshing(t, founded)
    const second = fleet.release()
    await refresher.refreshFrom(source('a', honest(fleet, second)))
    const before = await dump(database)
    assert.equal(await refresher.refreshFrom(source('b', honest(fleet, founded))), false)
    assert.deepEqual(await dump(database), before)
    assert.equal(state.accepted?.release.version, 2)
  })

  it('holds on to what it has when two differ in the same version', async t => {
    const { fleet, refresher, source, database } = await refreshing(t, founded)
    const second = fleet.release({ message: 'one' })
    const twin = publishRelease(
      founded.trusted,
      fleet.fleet,
      { message: 'other', configs: {}, devices: {} },
      fleet.keys,
      testNow,
    )
    await refresher.refreshFrom(source('a', honest(fleet, second)))
    const before = await dump(database)
    assert.equal(await refresher.refreshFrom(source('b', honest(fleet, twin, twin.documents))), false)
    assert.deepEqual(await dump(database), before)
  })
})

describe('the queue of refreshes', () => {
  it("lets no stranger keep a member's news waiting", async t => {
    const { fleet, refresher, source, state } = await refreshing(t, founded)
    const next = fleet.release()
    const strangers = Array.from({ length: 100 }, (_, each) => source(`stranger ${each}`, () => 'hang', false))
    const dawdling = strangers.map(each => refresher.refreshFrom(each))
    await tick()
    assert.equal(await refresher.refreshFrom(source('member', honest(fleet, next))), true)
    assert.equal(state.accepted?.release.version, 2)
    await refresher.stop()
    assert.ok((await Promise.all(dawdling)).every(changed => !changed))
  })

  it('takes news past members that stall, and lets those wait the next time', async t => {
    const { fleet, refresher, source, state, asked } = await refreshing(t, founded)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let now = 0
    t.mock.method(performance, 'now', () => now)
    const stallers = [1, 2, 3].map(each => source(`staller ${each}`, () => 'hang'))
    for (const staller of stallers) void refresher.refreshFrom(staller)
    await tick()
    const next = fleet.release()
    const first = refresher.refreshFrom(source('honest', honest(fleet, next)))
    now += idleRefreshMs
    t.mock.timers.tick(idleRefreshMs)
    assert.equal(await first, true)
    assert.equal(state.accepted?.release.version, 2)
    assert.ok(stallers.every(each => asked.includes(each.toString())))
  })

  it('takes one of two that bring the same version at a time', async t => {
    const { fleet, refresher, source, state } = await refreshing(t, founded)
    const one = fleet.release({ message: 'one' })
    const content = { message: 'other', configs: {}, devices: {} }
    const twin = publishRelease(founded.trusted, fleet.fleet, content, fleet.keys, testNow)
    let changes = 0
    state.on('changed', () => changes++)
    const both = [source('a', honest(fleet, one)), source('b', honest(fleet, twin, twin.documents))]
    const changed = await Promise.all(both.map(each => refresher.refreshFrom(each)))
    assert.deepEqual(changed.filter(Boolean), [true])
    assert.equal(changes, 1)
  })

  it('asks a peer once for any number of hints', async t => {
    const { fleet, refresher, source, asked } = await refreshing(t, founded)
    const slow = refresher.refreshFrom(source('first', honest(fleet, founded)))
    const member = source('a', honest(fleet, founded))
    await Promise.all([slow, ...Array.from({ length: 50 }, () => refresher.refreshFrom(member))])
    // One that began at once and one for all hints since, each for the next root and the head.
    assert.ok(asked.filter(each => each === member.toString()).length <= 4)
  })

  it('comes back to a peer that failed on the way, while it is there', async t => {
    const { fleet, refresher, source, sources, state, asked } = await refreshing(t, founded)
    const next = fleet.release()
    let works = false
    const answer = honest(fleet, next)
    const member = source('a', request => {
      if (!works) throw new Error('the line is down')
      return answer(request)
    })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    assert.equal(await refresher.refreshFrom(member), false)
    works = true
    const changed = Promise.withResolvers<void>()
    state.once('changed', () => changed.resolve())
    t.mock.timers.tick(refreshRetryMs)
    await changed.promise
    assert.equal(state.accepted?.release.version, 2)
    const gone = source('gone', () => {
      throw new Error('the line is down')
    })
    await refresher.refreshFrom(gone)
    sources.delete(gone.toString())
    const before = asked.length
    t.mock.timers.tick(refreshRetryMs * 100)
    await tick()
    assert.equal(asked.length, before)
  })

  it('ends with stop, even if a peer never answers', async t => {
    const { refresher, source } = await refreshing(t, founded)
    const asking = refresher.refreshFrom(source('a', () => 'hang'))
    const waiting = refresher.refreshFrom(source('b', () => 'hang'))
    await tick()
    await refresher.stop()
    assert.deepEqual(await Promise.all([asking, waiting]), [false, false])
    assert.equal(await refresher.refreshFrom(source('c', () => 'hang')), false)
  })
})
