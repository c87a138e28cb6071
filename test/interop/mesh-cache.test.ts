/** The loopback cache over a real mesh: Nix, this machine's and a newer one, gets what a release names from other peers. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { BinaryCache } from '../../node/store/binary-cache.ts'
import { StoreCacheSource } from '../../node/store/cache-source.ts'
import { HashParts } from '../../node/store/hash-parts.ts'
import { MeshNars } from '../../node/swarm/mesh-nars.ts'
import { formatNixPublicKey } from '../../protocol/nix/signature.ts'
import { connectAll, content, SwarmWorld } from '../helpers/swarm.ts'
import { missingNix } from '../store/real-stores.ts'
import { missingNewerNix, newerNix } from './newer-nix.ts'

const run = promisify(execFile)

describe('the loopback cache over a mesh', { skip: (await missingNix()) || (await missingNewerNix()) }, () => {
  let bin = ''
  before(async () => {
    bin = await newerNix()
  })

  for (const which of ['this machine’s', 'a newer'] as const) {
    test(`gives ${which} Nix what other peers have`, { timeout: 120_000 }, async t => {
      const world = await SwarmWorld.of(t)
      const controller = await world.controller()
      const [holder, device] = [await world.peer('holder'), await world.peer('device')]
      await connectAll(controller, holder, device)
      const config = await world.release(controller, content('cached', 2_000_000))
      await world.fetch(holder, config)
      const { closure } = await world.known(device, config)
      const source = new StoreCacheSource({
        store: device.store,
        described: device.closures.described,
        hashParts: new HashParts(join(device.real.root, 'nix/store')),
        mesh: new MeshNars({ closures: device.closures, swarms: device.swarms }),
      })
      t.after(() => source.stop())
      const cache = new BinaryCache({ source }, { port: 0 })
      t.after(() => cache.stop())
      await cache.start()
      // Into the device's own store, whose paths Nix locks meanwhile, and into another one.
      for (const { root } of [device.real, world.stores.real('else')]) {
        const trusted = ['--option', 'trusted-public-keys', formatNixPublicKey(world.key)]
        const options = ['--option', 'substituters', cache.url, ...trusted, '--option', 'require-sigs', 'true']
        const program = which === 'a newer' ? join(bin, 'nix-store') : 'nix-store'
        const home = join(world.stores.dir, `home-${root.length}`)
        const env = { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, '.cache') }
        await run(program, ['--store', `local?root=${root}`, ...options, '-r', config.topLevel], {
          env,
          timeout: 60_000,
        })
      }
      for (const { path } of closure.paths) {
        assert.deepEqual(await device.real.dump(path), await controller.real.dump(path))
        assert.ok(await world.stores.real('else').isValid(path))
      }
    })
  }
})
