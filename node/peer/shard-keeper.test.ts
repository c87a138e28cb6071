/** Tests of how often a peer asks for shards that nobody has: neither news nor neighbours that come back make it ask again. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { it, type TestContext } from 'node:test'
import { sha256Hex, toHex } from '../../protocol/encoding/hash.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { shardedSample } from '../../test/helpers/sharded.ts'
import { withShards } from '../state/sharded-release.ts'
import { shardFetches, shardQuietMs, shardRetryFirstMs, shardsInVain } from './limits.ts'
import { ShardKeeper, type ShardKeeperComponents } from './shard-keeper.ts'

/** A controller whose neighbours have nothing but the manifest; `fetched` counts what it asks for. */
async function scene(t: TestContext, { role = 'controller', proposed = false } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const { plain, documents } = splitRelease(shardedSample(200), 500)
  const here = new Map(documents.slice(0, 1).map(bytes => [sha256Hex(bytes), bytes]))
  const document = async (hash: Uint8Array) => here.get(toHex(hash))
  const release = await withShards(plain, document)
  const fetched: string[] = []
  const bus = () => new EventEmitter()
  const [state, directory, admission, own, proposals] = [bus(), bus(), bus(), bus(), bus()]
  const members = ['one', 'two'].map(peer => ({ peer }))
  const keeper = new ShardKeeper({
    state: Object.assign(state, {
      ...{ accepted: proposed ? undefined : { release }, document, takeShards: async () => {} },
      keepDocument: async (bytes: Uint8Array) => void here.set(sha256Hex(bytes), bytes),
    }),
    directory: Object.assign(directory, { members: () => [] }),
    admission: Object.assign(admission, { members }),
    own: Object.assign(own, { certificate: { name: 'office', role } }),
    proposals: Object.assign(proposals, { all: proposed ? [{ proposal: { author: 'a' }, release: plain }] : [] }),
    documents: {
      fetch: async (hash: Uint8Array) => {
        fetched.push(toHex(hash))
        throw new Error('nobody has it')
      },
    },
    log: { debug: () => {}, info: () => {} },
  } as unknown as ShardKeeperComponents)
  keeper.start()
  t.after(() => keeper.stop())
  const pass = async (milliseconds: number) => {
    now += milliseconds
    t.mock.timers.tick(milliseconds)
    for (let turn = 0; turn < 400; turn++) await null
    return fetched.splice(0).length
  }
  return { state, directory, admission, pass }
}

it('asks for what nobody has in turns that become rarer, a few at a time, whatever the news', async t => {
  const { state, directory, admission, pass } = await scene(t)
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
  const controller = await scene(t, { proposed: true })
  assert.ok((await controller.pass(shardQuietMs)) > 0)
  t.mock.reset()
  const device = await scene(t, { proposed: true, role: 'device' })
  assert.equal(await device.pass(shardQuietMs), 0)
})
