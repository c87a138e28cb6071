/** Tests of fetches in trouble: restarts, collected sources, absent ones, newer releases, and peers with only a part. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withCode } from '../helpers/errors.ts'
import { connect } from '../helpers/mesh.ts'
import { connectAll, content, SwarmWorld } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }
const slow = { settings: { upload: { bytesPerSecond: 600_000 } } }

test('what was staged before a restart is not fetched again', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller(slow)
  const device = await world.peer('device')
  await connect(device, controller)
  const config = await world.release(controller, content('restart', 1_500_000))
  const abort = new AbortController()
  let before = 0
  let needed = 0
  const fetching = world.fetch(device, config, {
    signal: abort.signal,
    onProgress: progress => {
      before = progress.received
      needed = progress.needed
      if (before > 600_000) abort.abort(new Error('the power fails'))
    },
  })
  await assert.rejects(fetching, /the power fails/)
  await device.stopAll()
  const again = await world.peer('device')
  await connect(again, controller)
  const progress = await world.fetch(again, config)
  assert.ok(before > 0 && before < needed)
  assert.ok(
    progress.needed <= needed - before,
    `expected at most ${needed - before} to be left, got ${progress.needed}`,
  )
  assert.equal(progress.received, progress.needed)
  assert.ok(await again.real.isValid(config.topLevel))
})

test('what was counted on and is collected comes from the swarm, or is said to be missing', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const before = await world.peer('device')
  await connect(before, controller)
  const what = content('collected', 600_000)
  await world.fetch(before, await world.release(controller, what))
  // A daemon protects paths that a connection has imported as long as it is open.
  await before.stopAll()
  const device = await world.peer('device')
  await connect(device, controller)
  const rebuilt = await world.release(controller, what)
  const known = await world.known(device, rebuilt)
  const { chunks } = await device.swarms.open(known)
  assert.equal(chunks.here().isFull, true, 'the old generation has it all')
  await device.real.nixStore('--gc')
  for (const { supervisor } of [controller, device]) supervisor.stop()
  await device.host.hangUp(controller.host.peerId)
  await until(() => controller.admission.members.length === 0, 'both to have seen that they parted')
  await assert.rejects(world.fetch(device, rebuilt), withCode('no-source'))
  await connect(device, controller)
  const progress = await world.fetch(device, rebuilt)
  assert.ok(progress.received > 0)
  assert.ok(await device.real.isValid(rebuilt.topLevel))
})

test('a source that comes late is found', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const [a, b] = [await world.peer('a'), await world.peer('b')]
  for (const { supervisor } of [controller, a, b]) supervisor.stop()
  await connect(a, controller)
  const config = await world.release(controller, content('late', 600_000))
  await until(() => a.state.accepted?.release.configs.kiosk, 'the release')
  await a.host.hangUp(controller.host.peerId)
  await until(() => controller.admission.members.length === 0, 'both to have seen that they parted')
  await connect(b, a)
  // The other one knows the release and has none of its documents.
  await assert.rejects(world.known(b, config), withCode('no-peer'))
  await connect(b, controller)
  const known = await world.known(b, config)
  assert.equal(known.list.paths.length, 3)
  await b.host.hangUp(controller.host.peerId)
  await until(() => controller.admission.members.length === 0, 'both to have seen that they parted')
  const fetching = world.fetch(b, config)
  await connect(controller, b)
  assert.ok((await fetching).received > 0)
  assert.ok(await b.real.isValid(config.topLevel))
})

test('a newer release ends the fetch of the one before, and comes itself', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller(slow)
  const device = await world.peer('device')
  await connect(device, controller)
  const first = await world.release(controller, content('first', 1_500_000))
  const superseded = new AbortController()
  const begun = Promise.withResolvers<void>()
  const fetching = world.fetch(device, first, { signal: superseded.signal, onProgress: () => begun.resolve() })
  await begun.promise
  const release = world.release(controller, content('second', 300_000))
  superseded.abort(new Error('a newer release came'))
  const [before, second] = await Promise.allSettled([fetching, release])
  assert.equal(before.status === 'rejected' && before.reason.message, 'a newer release came')
  assert.ok(second.status === 'fulfilled')
  await world.fetch(device, second.value)
  assert.ok(await device.real.isValid(second.value.topLevel))
  assert.ok(!(await device.real.isValid(first.topLevel)))
})

test('a newer release takes over what was staged for the one before', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller(slow)
  const device = await world.peer('device')
  await connect(device, controller)
  const what = content('taken over', 1_500_000)
  const first = await world.release(controller, what)
  const superseded = new AbortController()
  const fetching = world.fetch(device, first, {
    signal: superseded.signal,
    onProgress: ({ received }) => {
      if (received > 600_000) superseded.abort(new Error('a newer release came'))
    },
  })
  await assert.rejects(fetching, /a newer release came/)
  const second = await world.release(controller, { lib: what.lib, tool: content('another').tool.subarray(0, 100_000) })
  const { needed, fromStore } = await world.fetch(device, second)
  // Some of what was staged is of the tool that changed.
  assert.ok(needed < 1_300_000, `expected what was staged to be used, ${needed} bytes were needed`)
  assert.ok(fromStore > 300_000)
  assert.ok(await device.real.isValid(second.topLevel))
})

test('a closure larger than the staging budget comes in parts', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { settings: { staging: { bytes: 13_000_000 } } })
  await connect(device, controller)
  const config = await world.release(controller, content('budget', 12_000_000))
  const progress = await world.fetch(device, config)
  assert.ok(progress.needed > 15_000_000)
  assert.equal(progress.received, progress.needed)
  assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
})

test('a path larger than the staging budget is refused, with what it would take', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const device = await world.peer('device', { settings: { staging: { bytes: 1_000_000 } } })
  await connect(device, controller)
  const config = await world.release(controller, content('too large', 3_000_000))
  await assert.rejects(world.fetch(device, config), withCode('budget-too-small'))
})

test('chunks are passed on before any path is whole', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller(slow)
  const [a, b] = [await world.peer('a'), await world.peer('b')]
  for (const { supervisor } of [controller, a, b]) supervisor.stop()
  await connectAll(a, controller, b)
  const config = await world.release(controller, content('parts', 1_800_000))
  const known = await world.known(a, config)
  await world.known(b, config)
  let wholeAtFirst: Promise<Set<string>> | undefined
  // It begins before the other one has anything: on a busy machine that one might have a whole path by then.
  const fetching = world.fetch(b, config, {
    onProgress: ({ received }) => {
      if (received > 0) wholeAtFirst ??= a.store.validPaths(known.list.paths.map(({ described }) => described.path))
    },
  })
  await world.fetch(a, config)
  const progress = await fetching
  assert.equal((await wholeAtFirst)?.size, 0)
  assert.equal(progress.fromNeighbours, progress.needed)
  assert.ok(await b.real.isValid(config.topLevel))
})

test('two sources give to one fetch, each a part', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller(slow)
  const [a, b] = [await world.peer('a', slow), await world.peer('b')]
  await connectAll(controller, a, b)
  const config = await world.release(controller, content('two', 1_500_000))
  await world.fetch(a, config)
  await connect(a, b)
  const { fromControllers, fromNeighbours, needed } = await world.fetch(b, config)
  assert.ok(fromControllers > 0 && fromNeighbours > 0)
  assert.equal(fromControllers + fromNeighbours, needed)
})
