/** Chunks that were counted on, in the device's own store, and are gone when they are read: the fetch recovers. */

import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { toHex } from '../../protocol/encoding/hash.ts'
import { realise, serveCache } from '../helpers/loopback.ts'
import { connect } from '../helpers/mesh.ts'
import { content, type StorePeer, SwarmWorld } from '../helpers/swarm.ts'
import { missingNix } from '../store/real-stores.ts'

const options = { skip: await missingNix(), timeout: 600_000 }
/** Holds either of the closure's two files, and not both. */
const budget = 13_000_000

/** A device, freshly started, whose old generation has all chunks of a release that was rebuilt. */
async function rebuilt(t: Parameters<typeof SwarmWorld.of>[0], word: string) {
  const world = await SwarmWorld.of(t)
  const controller = await world.controller()
  const settings = { staging: { bytes: budget } }
  const before = await world.peer('device', { settings })
  await connect(before, controller)
  const what = content(word, 12_000_000)
  await world.fetch(before, await world.release(controller, what))
  // A daemon protects paths that a connection has imported as long as it is open.
  await before.stopAll()
  const device = await world.peer('device', { settings })
  await connect(device, controller)
  const config = await world.release(controller, what)
  const known = await world.known(device, config)
  const entry = await device.swarms.open(known)
  assert.ok(entry.chunks.here().isFull, 'the old generation has it all')
  // Between the plan and the first chunk: the collector takes what was counted on.
  const { finder } = entry
  assert.ok(finder)
  const find = finder.find.bind(finder)
  let collected = false
  finder.find = async (...args) => {
    await find(...args)
    if (!collected) await device.real.nixStore('--gc')
    collected = true
  }
  return { world, controller, device, config, known, entry }
}

/** Bytes of staging files of a closure. */
async function stagedBytes(device: StorePeer, hash: Uint8Array): Promise<number> {
  const directory = join(device.fetchComponents.stagingDirectory ?? '', toHex(hash))
  const names = await readdir(directory).catch(() => [])
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

test('a closure comes whole within a tight budget, though all that was counted on is gone', options, async t => {
  const { world, controller, device, config, known, entry } = await rebuilt(t, 'lost chunks')
  let most = 0
  const looks: Promise<void>[] = []
  const look = async () => {
    most = Math.max(most, entry.budget.bytes, await stagedBytes(device, known.hash))
  }
  const progress = await world.fetch(device, config, { onProgress: () => void looks.push(look()) })
  await Promise.all(looks)
  assert.ok(progress.received > 15_000_000)
  assert.equal(progress.received, progress.needed, 'what is gone is needed, and comes once')
  assert.ok(most <= budget, `expected at most ${budget} bytes staged, got ${most}`)
  assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
  await device.real.nixStore('--verify', '--check-contents')
})

test('so does what Nix asks the cache for', options, async t => {
  const { world, controller, device, config, entry } = await rebuilt(t, 'lost and cached')
  await realise(world, device.real, await serveCache(t, device), config.topLevel)
  assert.ok(entry.budget.bytes <= budget)
  assert.deepEqual(await device.real.dump(config.topLevel), await controller.real.dump(config.topLevel))
})
