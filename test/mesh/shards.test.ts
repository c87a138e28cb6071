/** Tests of a sharded release between real peers: a device fetches its own part, a controller all of it. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { sha256Hex, toHex } from '../../protocol/encoding/hash.ts'
import { mayName, readManifest, requireWhole } from '../../protocol/release/join-shards.ts'
import { type Release, wantedConfig } from '../../protocol/release/release.ts'
import { neededShards, placedEntries } from '../../protocol/release/shards.ts'
import { type SplitRelease, splitRelease } from '../../protocol/release/split-release.ts'
import { wavesOf } from '../../protocol/release/waves.ts'
import type { TestFleet } from '../helpers/fleet.ts'
import { testSigner } from '../helpers/fleet.ts'
import { connect, liveFleet, Mesh, type TestPeer } from '../helpers/mesh.ts'
import { sampleName, shardedSample } from '../helpers/sharded.ts'
import { until } from '../helpers/until.ts'

/** The device in the middle of the second site. */
const self = sampleName(30)
const mate = sampleName(37)

async function scene(t: TestContext, more: Partial<Release> = {}) {
  const mesh = await Mesh.of(t)
  const fleet = liveFleet()
  const whole: Release = { ...shardedSample(200), fleet: fleet.fleet, ...more }
  const split = splitRelease(whole, 500)
  const peer = (word: string, about: { name: string; site?: string; role?: 'controller' }) =>
    mesh.start({ word, fleet, certificate: fleet.certify(testSigner(word), about) })
  const controller = await peer('controller', { name: 'office', role: 'controller' })
  return { mesh, fleet, whole, split, peer, controller }
}

/** Publishes it with the documents that the author keeps: all, or those that aren't left out. */
async function publish({ state }: TestPeer, fleet: TestFleet, split: SplitRelease, without: readonly string[] = []) {
  for (const bytes of split.documents) if (!without.includes(sha256Hex(bytes))) await state.keepDocument(bytes)
  const { v: _v, fleet: _f, version: _n, created: _c, ...content } = split.plain
  await state.publish(fleet.release(content))
}

const releaseAt = ({ state }: TestPeer) => state.accepted?.release
const entryAt = (peer: TestPeer, device: string) => {
  const release = releaseAt(peer)
  return release?.version === 2 ? wantedConfig(release, device) : undefined
}
/** Shards in the order of the manifest, of the waves that have to be here for a device. */
const shardsFor = ({ plain, documents }: SplitRelease, device: string) =>
  neededShards(placedEntries(readManifest(plain, documents[0] ?? new Uint8Array())), { all: false, devices: [device] })

describe('a sharded release', () => {
  it('gives a device its own part and that of its site, and a controller all', async t => {
    const { mesh, fleet, whole, split, peer, controller } = await scene(t)
    await publish(controller, fleet, split)
    requireWhole(releaseAt(controller) ?? whole)
    const device = await peer('device', { name: self, site: 'site-1' })
    const other = await peer('other', { name: 'office-2', role: 'controller' })
    await connect(device, controller)
    await connect(other, controller)
    await until(() => entryAt(device, self), 'its part')
    assert.deepEqual(entryAt(device, self), wantedConfig(whole, self))
    assert.deepEqual(releaseAt(device)?.extensions?.critical, ['binding'])
    assert.equal(mayName(releaseAt(device) ?? whole, sampleName(150)), true, 'it has no more than it needs')
    await until(() => Object.keys(releaseAt(other)?.devices ?? {}).length === 200, 'all parts')
    assert.deepEqual(Object.keys(releaseAt(other)?.devices ?? {}).sort(), Object.keys(whole.devices).sort())

    // A device of its site: what it needs comes from the neighbour, though no controller is in reach.
    const neighbour = await peer('neighbour', { name: mate, site: 'site-1' })
    await connect(neighbour, controller)
    await until(() => entryAt(neighbour, mate) && entryAt(device, mate), 'the part of the neighbour')
    await controller.stopAll()

    // What it had is there after a restart.
    await device.stopAll()
    const again = await mesh.make({ word: 'device', fleet, trusts: 'none' })
    assert.deepEqual(entryAt(again, self), wantedConfig(whole, self))
    const kept = await again.state.release(2)
    assert.deepEqual(kept && wantedConfig(kept, self), wantedConfig(whole, self))
    await again.pruner.prune()
    for (const { entry } of shardsFor(split, self))
      assert.ok(await again.state.document(entry.hash), 'it is not pruned')
  })

  it('brings a device the waves that it waits for, and no others', async t => {
    const { fleet, whole, split, peer, controller } = await scene(t, {
      rollout: { waves: [{ count: 5 }, { count: 20 }] },
    })
    await publish(controller, fleet, split)
    const waves = wavesOf(whole)
    const [second = ''] = waves[1]?.devices ?? []
    const device = await peer('device', { name: second })
    await connect(device, controller)
    const known = () => {
      const release = releaseAt(device)
      return release?.version === 2 ? wavesOf(release) : []
    }
    await until(() => known()[0]?.devices.length === 5, 'the first wave')
    assert.deepEqual(known()[0], waves[0])
    const missing = releaseAt(device)?.sharded?.missing ?? []
    assert.ok(missing.length > 0 && missing.every(({ wave }) => wave > 1))
  })

  it('is accepted though nobody has its parts, which are asked for until somebody comes who has them', async t => {
    const { fleet, whole, split, peer, controller } = await scene(t)
    const own = new Set(shardsFor(split, self).map(({ entry }) => toHex(entry.hash)))
    await publish(controller, fleet, split, [...own])
    const device = await peer('device', { name: self })
    await connect(device, controller)
    await until(() => releaseAt(device)?.sharded?.devicesOf, 'the manifest')
    assert.equal(entryAt(device, self), undefined)
    assert.equal(mayName(releaseAt(device) ?? whole, self), true)
    assert.throws(() => requireWhole(releaseAt(controller) ?? whole))
    const late = await peer('late', { name: 'office-2', role: 'controller' })
    for (const bytes of split.documents) if (own.has(sha256Hex(bytes))) await late.state.keepDocument(bytes)
    await connect(late, device)
    await until(() => entryAt(device, self), 'its part')
  })

  it('whose shards are wrong is applied by nobody, not even in part', async t => {
    const { fleet, whole, split, controller } = await scene(t)
    const { extensions } = split.plain
    const named = { ...(extensions?.values.shards as object), devices: 201 }
    const plain = { ...split.plain, extensions: { values: { shards: named }, critical: ['shards'] } }
    await publish(controller, fleet, { ...split, plain })
    const accepted = releaseAt(controller) ?? whole
    assert.equal(accepted.sharded?.problem?.code, 'wrong-manifest')
    assert.deepEqual(accepted.devices, {})
    assert.throws(() => requireWhole(accepted))
  })
})
