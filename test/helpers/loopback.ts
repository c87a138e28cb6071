/** A peer's loopback cache, and Nix programs that fetch from it. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BinaryCache } from '../../node/store/cache/binary-cache.ts'
import { StoreCacheSource } from '../../node/store/cache/cache-source.ts'
import { HashParts } from '../../node/store/cache/hash-parts.ts'
import { ReleasedDescriptors } from '../../node/swarm/chunks/released-descriptors.ts'
import { MeshNars } from '../../node/swarm/fetch/mesh-nars.ts'
import { formatNixPublicKey } from '../../protocol/nix/signature.ts'
import { silentLogger } from './log.ts'
import type { StorePeer, SwarmWorld } from './swarm.ts'

const run = promisify(execFile)

/** Serves what the daemon of this peer would. */
export async function serveCache(t: { after(undo: () => unknown): void }, peer: StorePeer): Promise<BinaryCache> {
  const source = new StoreCacheSource({
    store: peer.store,
    described: peer.closures.described,
    descriptors: new ReleasedDescriptors({ closures: peer.closures, log: silentLogger }),
    hashParts: new HashParts(join(peer.real.root, 'nix/store')),
    mesh: new MeshNars({ closures: peer.closures, swarms: peer.swarms }),
    damaged: peer.damaged,
  })
  t.after(() => source.stop())
  const cache = new BinaryCache({ source }, { port: 0 })
  t.after(() => cache.stop())
  await cache.start()
  return cache
}

/** Brings a path and what it references from a cache into the store under a root, as this program does it. */
export async function realise(
  world: SwarmWorld,
  { root }: { root: string },
  cache: BinaryCache,
  path: string,
  program = 'nix-store',
): Promise<void> {
  const trusted = ['--option', 'trusted-public-keys', formatNixPublicKey(world.key), '--option', 'require-sigs', 'true']
  const home = join(world.stores.dir, `home-${root.length}`)
  const env = { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, '.cache') }
  const options = ['--option', 'substituters', cache.url, ...trusted]
  await run(program, ['--store', `local?root=${root}`, ...options, '-r', path], { env, timeout: 90_000 })
}
