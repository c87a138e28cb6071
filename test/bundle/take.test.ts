/** Bundles between real stores: written by a controller, taken in by devices without a network. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Bundle } from '../../node/bundle/bundle.ts'
import { openByteSource } from '../../node/bundle/byte-source.ts'
import { verifyBundle } from '../../node/bundle/verify-bundle.ts'
import type { BundleWish } from '../../node/carry/bundle-maker.ts'
import type { BundlePlan } from '../../node/carry/bundle-plan.ts'
import { checkBundle } from '../../node/carry/check-bundle.ts'
import { type FeedNews, feedBundle } from '../../node/carry/feed-bundle.ts'
import { stageIncomplete } from '../../node/carry/stage-incomplete.ts'
import { takeBundle } from '../../node/carry/take-bundle.ts'
import type { Release } from '../../protocol/release/release.ts'
import { splitRelease } from '../../protocol/release/split-release.ts'
import { silentLogger } from '../helpers/log.ts'
import { publishRelease } from '../helpers/publish-release.ts'
import { connectAll, content, edited, type StorePeer, SwarmWorld } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { nixSkip } from '../nix/workshop.ts'

describe('a bundle between real stores', { skip: nixSkip() }, () => {
  it('brings a release to a device that never had a network', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.release(controller, content('first'))
    await write(controller, file)
    const device = await world.peer('device')
    const bundle = await take(t, device, file)
    assert.equal(device.state.accepted?.release.version, controller.state.accepted?.release.version)
    const progress = await world.fetch(device, config)
    assert.ok(await device.store.isValid(config.topLevel))
    assert.equal(progress.received, 0, 'no peer has sent anything')
    assert.ok(bundle.readBytes < (await stat(file)).size * 1.05)
  })

  it('brings a device its part of a sharded release, with or after the release', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.describe(controller, await world.build(controller.real, content('sharded')))
    const { trusted } = controller.state.accepted ?? assert.fail()
    const devices = { device: { config: 'kiosk' }, other: { config: 'server' } }
    const whole: Release = { ...world.fleet.published.release, configs: { kiosk: config, server: config }, devices }
    const { plain, documents } = splitRelease(whole, 1)
    assert.equal(documents.length, 3)
    for (const bytes of documents) await controller.state.keepDocument(bytes)
    const { v: _v, fleet: _f, version: _n, created: _c, ...said } = plain
    await controller.state.publish(publishRelease(trusted, whole.fleet, said, world.fleet.keys, new Date()))
    await write(controller, file)
    assert.equal((await checkBundle(file)).missingDocuments, 0)
    const device = await world.peer('device')
    await take(t, device, file)
    await world.fetch(device, config)
    assert.ok(await device.store.isValid(config.topLevel))
    assert.deepEqual(Object.keys(device.state.accepted?.release.devices ?? {}), ['device', 'other'])

    // An earlier attempt ended after it had kept the shards.
    const again = await world.peer('again')
    for (const bytes of documents) await again.state.keepDocument(bytes)
    await take(t, again, file)
    await world.fetch(again, config)
    assert.ok(await again.store.isValid(config.topLevel))

    // The release came without its parts, which come with the bundle.
    const late = await world.peer('other')
    const { trusted: newest } = controller.state.accepted ?? assert.fail()
    await late.state.accept(newest, async ({ hash }) => (await controller.state.document(hash)) ?? assert.fail())
    assert.equal(late.state.accepted?.release.sharded?.devicesOf, undefined)
    await take(t, late, file)
    assert.equal(late.state.accepted?.release.configs.server?.topLevel, config.topLevel)
  })

  it('feeds a neighbour through the device that reads the stick', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.release(controller, content('shared'))
    await write(controller, file)
    const reader = await world.peer('reader', { site: 'ship' })
    const other = await world.peer('other', { site: 'ship' })
    const bundle = await take(t, reader, file)
    await connectAll(reader, other)
    const { fromNeighbours, needed } = await world.fetch(other, config)
    assert.equal(fromNeighbours, needed)
    assert.ok(!(await reader.store.isValid(config.topLevel)), 'the reader needs no copy of its own')
    await world.fetch(reader, config)
    assert.ok(bundle.readBytes < 2 * (await stat(file)).size)
  })

  it('is detached without harm in the middle of a fetch, and continues with the next one', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.release(controller, content('pulled out'))
    await write(controller, file)
    const device = await world.peer('device')
    const bundle = await take(t, device, file)
    const known = await world.known(device, config)
    const open = await device.swarms.open(known)
    assert.ok(open.chunks.has(0))
    device.shelf.detach(bundle)
    assert.ok(!open.chunks.has(0))
    const fetching = world.fetch(device, config)
    await until(() => open.swarm.fetching, 'the fetch to begin')
    await take(t, device, file)
    await fetching
    assert.ok(await device.store.isValid(config.topLevel))
  })

  it('uses the chunks of a bundle whose metadata is older than the trusted one', async t => {
    const { world, controller, file } = await controllerWith(t)
    const first = await world.release(controller, content('older'))
    await write(controller, file)
    const again = await world.releaseOf(controller, first.topLevel)
    const device = await world.peer('device')
    await connectAll(controller, device)
    await world.known(device, again)
    await controller.stop()
    const bundle = await Bundle.open(file)
    t.after(() => bundle.close())
    assert.equal((await takeBundle(partsOf(device), bundle)).trust, 'older')
    await world.fetch(device, again)
    assert.ok(await device.store.isValid(again.topLevel))
  })

  it('leaves out what an earlier release holds', async t => {
    const { world, controller, file } = await controllerWith(t)
    const v1 = content('delta', 2_000_000)
    const first = await world.release(controller, v1)
    await write(controller, file)
    const device = await world.peer('device')
    await take(t, device, file)
    await world.fetch(device, first)
    const second = await world.release(controller, { lib: v1.lib, tool: edited(v1).tool })
    const whole = await write(controller, `${file}.2`)
    const since = controller.state.accepted?.release.version ?? 0
    const part = await write(controller, `${file}.3`, { since: since - 1 })
    assert.ok(part < whole / 2, `${part} of ${whole} bytes`)
    await take(t, device, `${file}.3`)
    await world.fetch(device, second)
    assert.ok(await device.store.isValid(second.topLevel))
  })

  it('is the same file when its writing was interrupted', async t => {
    const { world, controller, file } = await controllerWith(t)
    await world.release(controller, content('resumed', 12_000_000))
    const plan = await controller.door.bundles.plan({})
    const stop = new AbortController()
    const init = { number: 1, now: new Date(), signal: stop.signal, onProgress: () => stop.abort(new Error('cut')) }
    await assert.rejects(controller.door.bundles.writeFile(plan, file, init), /cut/)
    const later = { number: 1, now: new Date(Date.now() + 60_000) }
    const { bytes, kept } = await controller.door.bundles.writeFile(plan, file, later)
    assert.ok(kept > 0 && kept < bytes, `${kept} of ${bytes}`)
    const source = await openByteSource(file)
    t.after(() => source.close())
    assert.equal(await verifyBundle(source), bytes)
  })

  it('takes in volumes in any order, also of two sticks at once', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.release(controller, content('volumes', 30_000_000))
    await writeVolumes(controller, file)
    const device = await world.peer('device')
    await Promise.all([take(t, device, `${file}.2`), take(t, device, `${file}.1`)])
    assert.equal(device.shelf.bundles.length, 2)
    await world.fetch(device, config)
    assert.ok(await device.store.isValid(config.topLevel))
  })

  it('takes in volumes one after another, each on a stick of its own', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.release(controller, content('one by one', 30_000_000))
    const { volumes } = await writeVolumes(controller, file)
    const device = await world.peer('device')
    const whole: boolean[] = []
    for (const number of volumes.keys()) {
      const bundle = await take(t, device, `${file}.${number + 1}`)
      whole.push(await stageIncomplete(device, config))
      device.shelf.detach(bundle)
    }
    // Only the last one may be called done: all of the closure is on the device, which may still be busy.
    assert.deepEqual(
      whole,
      [...volumes.keys()].map(number => number === volumes.length - 1),
    )
    await world.fetch(device, config)
    assert.ok(await device.store.isValid(config.topLevel))
  })

  it('tells how far it is also while the store has no time for questions', async t => {
    const { world, controller, file } = await controllerWith(t)
    const config = await world.release(controller, content('told'))
    await write(controller, file)
    const device = await world.peer('device')
    const asked = Promise.withResolvers<boolean>()
    const components = {
      ...partsOf(device),
      swarms: { isWanted: false },
      lacks: () => asked.promise,
      keep: async () => false,
    }
    let readBytes = 0
    const onNews = (news: FeedNews) => {
      readBytes = news.readBytes
    }
    const init = { onNews, quietMs: 0, signal: AbortSignal.timeout(300_000) }
    const feeding = feedBundle({ ...components, scratch: dirname(file) }, file, init)
    await until(() => device.shelf.bundles.length > 0, 'the bundle to be attached')
    const before = readBytes
    await world.fetch(device, config)
    await until(() => readBytes > before, 'news of what was read')
    asked.resolve(false)
    assert.equal((await feeding).outcome, 'done')
  })

  it('is taken by a device whose clock says 1980, and not by one for which it has expired', async t => {
    const { world, controller, file } = await controllerWith(t)
    await world.release(controller, content('timeless', 100_000))
    await write(controller, file)
    const [early, late] = [await world.peer('early'), await world.peer('late')]
    const bundles = [await Bundle.open(file), await Bundle.open(file)] as const
    t.after(() => Promise.all(bundles.map(each => each.close())))
    const at = (reference: string) => ({ clock: { reference: new Date(reference) } })
    const { trust } = await takeBundle({ ...partsOf(early), ...at('1980-01-01T00:00:00Z') }, bundles[0])
    assert.equal(trust, 'newer')
    const before = late.state.accepted?.release.version
    await takeBundle({ ...partsOf(late), ...at('2080-01-01T00:00:00Z') }, bundles[1]).catch(() => {})
    assert.equal(late.state.accepted?.release.version, before)
    assert.notEqual(early.state.accepted?.release.version, before)
  })

  it('of another fleet is refused', async t => {
    const { world, controller, file } = await controllerWith(t)
    await world.release(controller, content('foreign', 100_000))
    await write(controller, file)
    const device = await world.peer('device')
    const bundle = await Bundle.open(file)
    t.after(() => bundle.close())
    const parts = { ...partsOf(device), state: Object.assign(Object.create(device.state), { fleet: '0'.repeat(64) }) }
    await assert.rejects(takeBundle(parts, bundle), { code: 'other-fleet' })
    assert.deepEqual(device.shelf.bundles, [])
  })
})

async function controllerWith(t: TestContext) {
  const world = await SwarmWorld.of(t)
  const directory = await mkdtemp(join(tmpdir(), 'thymesh-bundle-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return { world, controller: await world.controller(), file: join(directory, 'news.thymesh') }
}

async function write(controller: StorePeer, file: string, wish: BundleWish = {}): Promise<number> {
  const plan = await controller.door.bundles.plan(wish)
  const { bytes } = await controller.door.bundles.writeFile(plan, file, { number: 1, now: new Date() })
  assert.equal((await stat(file)).size, bytes)
  return bytes
}

/** Two volumes, `FILE.1` and `FILE.2`. */
async function writeVolumes(controller: StorePeer, file: string): Promise<BundlePlan> {
  const plan = await controller.door.bundles.plan({ volumeBytes: 90 * 1024 ** 2 })
  assert.equal(plan.volumes.length, 2)
  for (const number of [1, 2]) {
    await controller.door.bundles.writeFile(plan, `${file}.${number}`, { number, now: new Date() })
  }
  return plan
}

async function take(t: TestContext, device: StorePeer, file: string): Promise<Bundle> {
  const bundle = await Bundle.open(file)
  t.after(() => bundle.close())
  await takeBundle(partsOf(device), bundle)
  return bundle
}

function partsOf({ state, directory, closures, shelf, equivocation }: StorePeer) {
  return { state, directory, closures, shelf, equivocation, clock: { reference: new Date() }, log: silentLogger }
}
