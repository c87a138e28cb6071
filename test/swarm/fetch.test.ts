/** Closures move between real stores over real streams: from several sources, in parts, and again for nothing. */

import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from '../helpers/mesh.ts'
import { connectAll, content, SwarmWorld } from '../helpers/swarm.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }

test('a closure comes from a controller, is served on, and its staging goes', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const a = await world.peer('a')
  const b = await world.peer('b')
  await connect(a, controller)
  const config = await world.release(controller, content('one'))
  const progress = await world.fetch(a, config)
  assert.equal(progress.paths, 3)
  assert.equal(progress.received, progress.needed)
  assert.equal(progress.fromControllers, progress.needed)
  assert.ok(await a.real.isValid(config.topLevel))
  assert.deepEqual(await a.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
  assert.deepEqual(
    (await readdir(join(world.mesh.directory, 'a/staging'), { withFileTypes: true, recursive: true })).filter(each =>
      each.isFile(),
    ),
    [],
  )
  await connect(b, a)
  await controller.stopAll()
  const second = await world.fetch(b, config)
  assert.equal(second.fromNeighbours, second.needed)
  assert.ok(await b.real.isValid(config.topLevel))
})

test('a rebuilt closure costs no chunk, also when the one before came by the swarm', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const a = await world.peer('a')
  await connect(a, controller)
  const what = content('two')
  await world.fetch(a, await world.release(controller, what))
  const rebuilt = await world.release(controller, what)
  const progress = await world.fetch(a, rebuilt)
  assert.equal(progress.paths, 3)
  // The top level is a text of two hashes alone: its recipe is the same, too.
  assert.deepEqual([progress.needed, progress.received], [0, 0])
  assert.ok(await a.real.isValid(rebuilt.topLevel))
})

test('three devices of a site cost the controller elsewhere little more than one copy', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const devices = await Promise.all(['a', 'b', 'c'].map(word => world.peer(word, { site: 'north' })))
  const [a, b, c] = devices
  assert.ok(a && b && c)
  await connectAll(controller, ...devices)
  await connect(a, b)
  await connect(a, c)
  await connect(b, c)
  const config = await world.release(controller, content('site', 12_000_000))
  const all = await Promise.all(devices.map(device => world.fetch(device, config)))
  for (const device of devices) assert.ok(await device.real.isValid(config.topLevel))
  const sent = all.reduce((sum, { fromControllers }) => sum + fromControllers, 0)
  const needed = all[0]?.needed ?? 0
  assert.ok(sent <= 1.1 * needed, `expected about ${needed} bytes from the controller, got ${sent}`)
})

test('content-addressed paths keep their addresses, so that stores without the key take them', options, async t => {
  const world = await SwarmWorld.of(t)
  const [controller, device] = [await world.controller(), await world.peer('device')]
  await connect(device, controller)
  const sources = join(world.mesh.directory, 'sources')
  await mkdir(join(sources, 'tree'), { recursive: true })
  await writeFile(join(sources, 'tree/one'), 'one\n')
  await writeFile(join(sources, 'download'), 'some bytes\n')
  const add = async (...args: string[]) => (await controller.real.nixStore(...args)).trim()
  const tree = await add('--add', join(sources, 'tree'))
  const download = await add('--add-fixed', 'sha256', join(sources, 'download'))
  const config = await world.releaseOf(
    controller,
    await controller.real.addText('top', tree + download, [tree, download]),
  )
  await world.fetch(device, config)
  for (const path of [tree, download]) {
    const there = await controller.store.pathInfo(path)
    assert.ok(there?.contentAddress)
    assert.equal((await device.store.pathInfo(path))?.contentAddress, there.contentAddress)
  }
  assert.equal((await device.store.pathInfo(config.topLevel))?.contentAddress, undefined)
  assert.match(device.closures.described.get(tree.slice(11, 43))?.contentAddress ?? '', /^fixed:r:sha256:/)
  const strict = await world.stores.open(world.stores.real('strict').root)
  const info = await device.store.pathInfo(tree)
  assert.ok(info)
  const nar = (await device.store.nar(tree)).stream()
  assert.equal(await strict.import({ ...info, signatures: [] }, nar), 'imported')
})
