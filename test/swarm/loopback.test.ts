/** The loopback cache fetches as a device does: deltas, one copy for a site, and room that all fetches share. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MeshNars } from '../../node/swarm/fetch/mesh-nars.ts'
import type { Arrival } from '../../node/swarm/session/arrival.ts'
import type { ReleasedConfig } from '../../protocol/release/release.ts'
import { withCode } from '../helpers/errors.ts'
import { realise, serveCache } from '../helpers/loopback.ts'
import { connect } from '../helpers/mesh.ts'
import { connectAll, content, edited, type StorePeer, SwarmWorld } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }

/** The chunks of a closure that a peer receives from now on, and the most room that they took. */
async function watch(world: SwarmWorld, peer: StorePeer, config: ReleasedConfig) {
  const known = await world.known(peer, config)
  const entry = await peer.swarms.open(known)
  const seen = { bytes: 0, wire: 0, fromControllers: 0, mostRoom: 0, needed: 0 }
  for (let number = 0; number < known.list.count; number++) {
    if (!entry.chunks.has(number)) seen.needed += known.list.length(number)
  }
  entry.swarm.on('arrival', ({ peer: from, bytes, wire }: Arrival) => {
    seen.bytes += bytes
    seen.wire += wire
    if (from.controller) seen.fromControllers += bytes
    seen.mostRoom = Math.max(seen.mostRoom, entry.budget.bytes)
  })
  return seen
}

test('what Nix asks the cache for comes as deltas from what the device has', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { site: 'north' })
  await connect(device, controller)
  const before = content('cached deltas')
  await world.fetch(device, await world.release(controller, before))
  const config = await world.release(controller, edited(before))
  const seen = await watch(world, device, config)
  await realise(world, device.real, await serveCache(t, device), config.topLevel)
  assert.ok(seen.needed > 3_500_000, `expected nearly all chunks to be new, got ${seen.needed} bytes of them`)
  assert.equal(seen.bytes, seen.needed)
  assert.ok(seen.wire < seen.needed / 20, `expected deltas, got ${seen.wire} bytes on the wire`)
  assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
  await device.real.nixStore('--verify', '--check-contents')
})

test('the cache and the device itself share a tight budget: both wait for room, and both end', options, async t => {
  const budget = 13_000_000
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { settings: { staging: { bytes: budget } } })
  await connect(device, controller)
  const config = await world.release(controller, content('shared budget', 12_000_000))
  const seen = await watch(world, device, config)
  assert.ok(seen.needed > budget + 2_000_000)
  const [cache, other] = [await serveCache(t, device), world.stores.real('else')]
  // Chunks that it served are taken over, or given up for those that the device needs.
  await realise(world, other, cache, config.topLevel)
  await world.fetch(device, config)
  assert.ok(seen.mostRoom <= budget, `expected at most ${budget} bytes of room, got ${seen.mostRoom}`)
  const next = await world.release(controller, content('shared budget, at once', 12_000_000))
  const then = await watch(world, device, next)
  await Promise.all([realise(world, other, cache, next.topLevel), world.fetch(device, next)])
  assert.ok(then.mostRoom <= budget, `expected at most ${budget} bytes of room, got ${then.mostRoom}`)
  for (const store of [device.real, other]) {
    assert.deepEqual(await store.dump(next.topLevel), await controller.real.dump(next.topLevel))
  }
  await device.real.nixStore('--verify', '--check-contents')
})

test('a program that asks the cache and never reads does not keep the device from its update', options, async t => {
  const budget = 13_000_000
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { settings: { staging: { bytes: budget } } })
  await connect(device, controller)
  const config = await world.release(controller, content('stalled client', 12_000_000))
  const { list } = await world.known(device, config)
  const seen = await watch(world, device, config)
  const lib = list.paths.find(({ described }) => described.narSize > 10_000_000)?.described
  assert.ok(lib)
  const nars = new MeshNars({ closures: device.closures, swarms: device.swarms })
  const leaving = new AbortController()
  const stalled = nars.open({ ...lib, references: [] }, 0, leaving.signal)
  assert.ok(((await stalled.next()).value as Uint8Array).length > 0)
  await world.fetch(device, config)
  assert.ok(seen.mostRoom <= budget, `expected at most ${budget} bytes of room, got ${seen.mostRoom}`)
  assert.ok(await device.real.isValid(config.topLevel))
  // When it reads on after all, it gets all of it.
  const parts: Uint8Array[] = []
  for await (const part of stalled) parts.push(part)
  assert.ok(parts.reduce((sum, { length }) => sum + length, 0) > lib.narSize - 300_000)
  leaving.abort()
})

test('a path that the budget can never hold is refused before its first byte', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { settings: { staging: { bytes: 1_000_000 } } })
  await connect(device, controller)
  const config = await world.release(controller, content('too large', 3_000_000))
  const { list } = await world.known(device, config)
  const described = list.paths[0]?.described
  assert.ok(described)
  const { path, narHash, narSize } = described
  const nars = new MeshNars({ closures: device.closures, swarms: device.swarms })
  const info = { path, narHash, narSize, references: [], signatures: [] }
  const first = nars.open(info, 0, AbortSignal.timeout(120_000)).next()
  await assert.rejects(first, withCode('budget-too-small'))
})

test('a site pays for one copy, when one device fetches through its cache and another for itself', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller({ settings: { upload: { bytesPerSecond: 2_000_000 } } })
  const [a, b] = [await world.peer('a', { site: 'north' }), await world.peer('b', { site: 'north' })]
  await connectAll(controller, a, b)
  await connect(a, b)
  const config = await world.release(controller, content('one copy', 3_000_000))
  const seen = [await watch(world, a, config), await watch(world, b, config)]
  const cache = await serveCache(t, a)
  await Promise.all([realise(world, a.real, cache, config.topLevel), world.fetch(b, config)])
  const uplink = seen.reduce((sum, { fromControllers }) => sum + fromControllers, 0)
  const copy = seen[1]?.needed ?? 0
  assert.ok(uplink < copy * 1.3, `expected about one copy of ${copy} bytes over the uplink, got ${uplink}`)
  assert.ok(await a.real.isValid(config.topLevel))
})

test(
  "the cache serves the newest release's other configs, whose documents the device has not fetched",
  options,
  async t => {
    const world = await SwarmWorld.of(t)
    const controller = await world.controller()
    const device = await world.peer('device')
    await connect(device, controller)
    const [kiosk, other] = [content('own config', 300_000), content('other config', 300_000)]
    const [own, others] = [await world.release(controller, kiosk), await world.release(controller, other)]
    await world.publish(controller, { kiosk: own, other: others })
    await until(() => device.state.accepted?.release.configs.other !== undefined, 'the device to hear of both configs')
    const cache = await serveCache(t, device)
    const hashPart = others.topLevel.slice('/nix/store/'.length).split('-')[0]
    assert.equal((await fetch(`${cache.url}/${hashPart}.narinfo`)).status, 200)
    assert.equal((await fetch(`${cache.url}/${'0'.repeat(32)}.narinfo`)).status, 404)
    const third = world.stores.real('third')
    await realise(world, third, cache, others.topLevel)
    assert.deepEqual(await third.dump(others.topLevel), await controller.real.dump(others.topLevel))
  },
)
