/** The loopback cache over a real mesh: Nix, this machine's and a newer one, gets what a release names from other peers. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { realise, serveCache } from '../helpers/loopback.ts'
import { connectAll, content, SwarmWorld } from '../helpers/swarm.ts'
import { missingNix } from '../store/real-stores.ts'
import { missingNewerNix, newerNix } from './newer-nix.ts'

describe('the loopback cache over a mesh', { skip: (await missingNix()) || (await missingNewerNix()) }, () => {
  let bin = ''
  before(async () => {
    bin = await newerNix()
  })

  for (const which of ['this machine’s', 'a newer'] as const) {
    test(`gives ${which} Nix what other peers have`, { timeout: 900_000 }, async t => {
      const world = await SwarmWorld.of(t)
      const controller = await world.controller()
      const [holder, device] = [await world.peer('holder'), await world.peer('device')]
      await connectAll(controller, holder, device)
      const config = await world.release(controller, content('cached', 2_000_000))
      await world.fetch(holder, config)
      const { closure } = await world.known(device, config)
      const cache = await serveCache(t, device)
      // Into the device's own store, whose paths Nix locks meanwhile, and into another one.
      const program = which === 'a newer' ? join(bin, 'nix-store') : 'nix-store'
      for (const store of [device.real, world.stores.real('else')]) {
        await realise(world, store, cache, config.topLevel, program)
      }
      for (const { path } of closure.paths) {
        assert.deepEqual(await device.real.dump(path), await controller.real.dump(path))
        assert.ok(await world.stores.real('else').isValid(path))
      }
    })
  }
})
