/** Updates that change a little come as deltas from what the device holds; who lacks the old chunks sends new ones whole. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../helpers/mesh.ts'
import { content, edited, SwarmWorld } from '../helpers/swarm.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }

/** A controller elsewhere and a device of a site that runs the first release. */
async function updated(t: Parameters<typeof SwarmWorld.of>[0], word: string) {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { site: 'north' })
  await connect(device, controller)
  const before = content(word)
  const first = await world.release(controller, before)
  await world.fetch(device, first)
  return { world, controller, device, before, first }
}

test('an update that changed a little costs little on the wire', options, async t => {
  const { world, controller, device, before } = await updated(t, 'deltas')
  const config = await world.release(controller, edited(before))
  // A neighbour may ask for the closure before the device itself does.
  await device.swarms.open(await world.known(device, config))
  const progress = await world.fetch(device, config)
  assert.ok(progress.needed > 3_500_000, `expected nearly all chunks to be new, got ${progress.needed} bytes of them`)
  assert.equal(progress.received, progress.needed)
  assert.ok(progress.wire < progress.needed / 20, `expected deltas, got ${progress.wire} bytes on the wire`)
  assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
  await device.real.nixStore('--verify', '--check-contents')
})

test('a sender that has lost the old chunks sends the new ones whole', options, async t => {
  const { world, controller, device, before, first } = await updated(t, 'sender')
  await controller.real.nixStore('--delete', '--ignore-liveness', first.topLevel)
  const old = (await world.known(controller, first)).list.paths.map(({ described }) => described.path)
  await controller.real.nixStore('--delete', '--ignore-liveness', ...old.toReversed())
  const config = await world.release(controller, edited(before))
  const progress = await world.fetch(device, config)
  assert.equal(progress.received, progress.needed)
  assert.ok(progress.wire > progress.needed / 2)
  assert.ok(await device.real.isValid(config.topLevel))
})

test('a device whose old chunks go while deltas come asks for the new ones whole', options, async t => {
  const { world, controller, device: earlier, before, first } = await updated(t, 'receiver')
  // A daemon protects paths that a connection has imported as long as it is open.
  await earlier.stopAll()
  const device = await world.peer('device', { site: 'north' })
  await connect(device, controller)
  const old = (await world.known(device, first)).list.paths.map(({ described }) => described.path)
  const config = await world.release(controller, edited(before))
  const known = await world.known(device, config)
  const { finder } = await device.swarms.open(known)
  assert.ok(finder)
  const find = finder.find.bind(finder)
  // Between the choice and the first answer: the collector takes what was chosen.
  finder.find = async (...args) => {
    await find(...args)
    await device.real.nixStore('--delete', '--ignore-liveness', ...old.toReversed())
  }
  const progress = await world.fetch(device, config)
  assert.ok(progress.wire > progress.needed / 2)
  assert.ok(await device.real.isValid(config.topLevel))
})
