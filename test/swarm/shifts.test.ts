/** A release tells how far the content of a large program has moved: its deltas come from there. What it says wrongly costs bytes only. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shiftsCodec } from '../../protocol/closure/shifts.ts'
import { fromHex, sha256Hex } from '../../protocol/encoding/hash.ts'
import { withShifts } from '../../protocol/release/shifts.ts'
import { connect } from '../helpers/mesh.ts'
import { movedCode } from '../helpers/moved-code.ts'
import { content, SwarmWorld } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }

test('moved code costs little with shifts; with shifts that lie it comes whole, and right', options, async t => {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const devices = [await world.peer('told', { site: 'north' }), await world.peer('lied-to', { site: 'south' })] as const
  const [told, liedTo] = devices
  for (const device of devices) await connect(device, controller)
  const { tool } = content('shifts', 30_000)
  const { before, after } = movedCode('shifts', { bytes: 8.5 * 1024 ** 2 })
  const first = await world.release(controller, { lib: before, tool })
  for (const device of devices) await world.fetch(device, first)

  const config = await world.describe(controller, await world.build(controller.real, { lib: after, tool }))
  let compared = 0
  const onProgress = (done: number) => {
    compared += done
  }
  const findShifts = () => controller.door.closures.shifts([config.closure], [first.topLevel], { onProgress })
  const document = await findShifts()
  assert.ok(document)
  assert.equal(compared, 1)
  await controller.state.document(fromHex(document)).then(bytes => assert.ok(bytes && bytes.length < 500))
  await world.publish(controller, { kiosk: config }, withShifts(undefined, document))
  const small = await world.fetch(told, config)
  assert.ok(small.needed > 8_000_000, `expected the program to be new, got ${small.needed} bytes`)
  assert.ok(small.wire < small.needed / 3, `expected deltas, got ${small.wire} bytes on the wire`)
  assert.deepEqual(await told.real.dump(config.topLevel), await controller.real.dump(config.topLevel))

  // The same release once more: what was compared is remembered.
  assert.equal(await findShifts(), document)
  assert.equal(compared, 1)

  const honest = shiftsCodec.decode((await controller.state.document(fromHex(document))) ?? new Uint8Array())
  const lie = shiftsCodec.encode(honest.map(pair => ({ ...pair, cells: pair.cells.map(() => -1_000_000) })))
  await controller.state.keepDocument(lie)
  await world.publish(controller, { kiosk: config }, withShifts(undefined, sha256Hex(lie)))
  await until(() => liedTo.state.accepted?.release.version === 3, 'the lie to arrive')
  const large = await world.fetch(liedTo, config)
  assert.ok(large.wire > large.needed * 0.9, `expected whole chunks, got ${large.wire} bytes on the wire`)
  assert.deepEqual(await liedTo.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
})
