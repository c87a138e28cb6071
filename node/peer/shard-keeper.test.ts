/** Tests of how often a peer asks for shards that nobody has, and of what a proposal may cost it. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { it, type TestContext } from 'node:test'
import { sha256Hex, toHex } from '../../protocol/encoding/hash.ts'
import { type SplitRelease, splitRelease } from '../../protocol/release/split-release.ts'
import { byHash, shardedSample } from '../../test/helpers/sharded.ts'
import { withShards } from '../state/sharded-release.ts'
import { shardFetches, shardQuietMs, shardRetryFirstMs, shardsInVain } from './limits.ts'
import { ShardKeeper, type ShardKeeperComponents } from './shard-keeper.ts'

interface SceneInit {
  readonly role?: string
  readonly accepted?: SplitRelease
  readonly proposed?: Record<string, SplitRelease>
  /** Documents that are here, and those that neighbours have. */
  readonly here?: readonly Uint8Array[]
  readonly elsewhere?: readonly Uint8Array[]
  readonly budget?: { readonly most: number; readonly perSecond: number }
}

const sample = () => splitRelease(shardedSample(200), 500)

/** A peer with neighbours; `pass` gives how many documents it asks them for in a time, `read` how many of its own it reads. */
async function scene(t: TestContext, { role = 'controller', accepted, proposed = {}, ...init }: SceneInit) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const [here, elsewhere] = [byHash(init.here ?? []), byHash(init.elsewhere ?? [])]
  let read = 0
  const document = async (hash: Uint8Array) => {
    read++
    return here.get(toHex(hash))
  }
  const joined = async () =>
    accepted === undefined ? undefined : { release: await withShards(accepted.plain, document) }
  const fetched: string[] = []
  const bus = () => new EventEmitter()
  const [directory, admission, own] = [bus(), bus(), bus()]
  const proposals = Object.assign(bus(), { all: [] as object[] })
  const propose = (of: Record<string, SplitRelease>) => {
    proposals.all = Object.entries(of).map(([author, { plain }]) => ({ proposal: { author }, release: plain }))
  }
  propose(proposed)
  const state = Object.assign(bus(), {
    accepted: await joined(),
    document,
    taken: 0,
    takeShards: async () => {
      state.taken++
      state.accepted = await joined()
    },
    keepDocument: async (bytes: Uint8Array) => void here.set(sha256Hex(bytes), bytes),
  })
  const members = ['one', 'two'].map(peer => ({ peer }))
  const keeper = new ShardKeeper({
    state,
    directory: Object.assign(directory, { members: () => [] }),
    admission: Object.assign(admission, { members }),
    own: Object.assign(own, { certificate: { name: 'office', role } }),
    proposals,
    documents: {
      fetch: async (hash: Uint8Array) => {
        fetched.push(toHex(hash))
        return elsewhere.get(toHex(hash)) ?? Promise.reject(new Error('nobody has it'))
      },
    },
    log: { debug: () => {}, info: () => {} },
    ...(init.budget && { budget: init.budget }),
  } as unknown as ShardKeeperComponents)
  keeper.start()
  t.after(() => keeper.stop())
  const pass = async (milliseconds: number) => {
    now += milliseconds
    t.mock.timers.tick(milliseconds)
    for (let turn = 0; turn < 4000; turn++) await null
    return fetched.splice(0).length
  }
  const reads = () => {
    const before = read
    read = 0
    return before
  }
  const lacks = ({ documents }: SplitRelease) => [...byHash(documents).keys()].filter(hash => !here.has(hash)).length
  return { state, directory, admission, proposals, propose, pass, reads, lacks }
}

it('asks for what nobody has in turns that become rarer, a few at a time, whatever the news', async t => {
  const accepted = sample()
  const { state, directory, admission, pass } = await scene(t, { accepted, here: accepted.documents.slice(0, 1) })
  const first = await pass(shardQuietMs)
  assert.ok(first >= shardsInVain && first < shardsInVain + shardFetches, `${first} fetches`)
  for (let news = 0; news < 5; news++) {
    state.emit('changed')
    directory.emit('certificate')
    // A neighbour that comes back has said that it has nothing.
    admission.emit('admitted', { peer: 'one' })
    assert.equal(await pass(shardQuietMs), 0)
  }
  admission.emit('admitted', { peer: 'three' })
  assert.ok((await pass(shardQuietMs)) > 0, 'a new one has not')
  assert.ok((await pass(shardRetryFirstMs * 8)) > 0, 'all are asked again after a time')
})

it('fetches what a proposed release needs on controllers and relays, and not on devices', async t => {
  const proposed = sample()
  const init = { proposed: { ada: proposed }, elsewhere: proposed.documents }
  const controller = await scene(t, init)
  await controller.pass(shardQuietMs)
  assert.deepEqual([controller.lacks(proposed), controller.state.taken], [0, 0])
  t.mock.reset()
  const device = await scene(t, { ...init, role: 'device' })
  assert.equal(await device.pass(shardQuietMs), 0)
})

it('gets the shards of its release, and of other proposals, beside a proposal whose shards nobody has', async t => {
  const [accepted, proposed] = [sample(), splitRelease(shardedSample(200, { own: true }), 500)]
  const hostile = splitRelease(shardedSample(2000), 100)
  const { pass, lacks } = await scene(t, {
    accepted,
    proposed: { eve: hostile, ada: proposed },
    here: [accepted, proposed, hostile].flatMap(({ documents }) => documents.slice(0, 1)),
    elsewhere: [...accepted.documents, ...proposed.documents],
  })
  await pass(shardQuietMs)
  assert.deepEqual([lacks(accepted), lacks(proposed)], [0, 0])
  assert.ok(lacks(hostile) > 0)
})

it('reads nothing again of a proposal whose shards are here', async t => {
  const proposed = sample()
  const { directory, pass, reads } = await scene(t, { proposed: { ada: proposed }, here: proposed.documents })
  await pass(shardQuietMs)
  assert.ok(reads() >= proposed.documents.length)
  directory.emit('certificate')
  await pass(shardQuietMs)
  assert.equal(reads(), 0)
})

it('fetches only so much of an author who proposes without end, and of others what they propose', async t => {
  const [first, second] = [sample(), splitRelease(shardedSample(200, { own: true }), 500)]
  const third = splitRelease(shardedSample(220), 500)
  const most = first.documents.reduce((sum, { length }) => sum + length, 0) - 100
  const { proposals, propose, pass, lacks } = await scene(t, {
    proposed: { eve: first },
    elsewhere: [first, second, third].flatMap(({ documents }) => documents),
    budget: { most, perSecond: 1 },
  })
  await pass(shardQuietMs)
  assert.equal(lacks(first), 0)
  propose({ eve: second, ada: third })
  proposals.emit('changed')
  await pass(shardQuietMs)
  assert.deepEqual([lacks(second), lacks(third)], [second.documents.length, 0])
  await pass(1000 * most)
  proposals.emit('changed')
  await pass(shardQuietMs)
  assert.equal(lacks(second), 0)
})
