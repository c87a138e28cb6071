/** Makes the peer of a controller, and shows of it what controllers ask for. */

import { BundleMaker } from '../carry/bundle-maker.ts'
import { takeOutbox } from '../carry/take-outbox.ts'
import { PathRecipes } from '../swarm/recipe/path-recipes.ts'
import type { ControllerPeer } from './controller-peer.ts'
import { MeshNeighbours } from './mesh-neighbours.ts'
import { MeshPeer, type MeshPeerInit } from './mesh-peer.ts'

/** A controller's peer that is not started yet. The state stays the caller's, to be closed after the peer's end. */
export async function makeControllerPeer(init: MeshPeerInit): Promise<ControllerPeer> {
  return controllerPeerOf(await MeshPeer.make(init), init)
}

/** The door of a peer that is there. */
export function controllerPeerOf(
  peer: MeshPeer,
  { state: { database, age }, settings, log }: Pick<MeshPeerInit, 'state' | 'settings' | 'log'>,
): ControllerPeer {
  const { fleet, state, directory, store, closures, swarms, pruner, damaged } = peer
  const recipes = new PathRecipes({ store, documents: state, table: database.table('described'), damaged })
  return {
    fleet,
    peerId: peer.identity.peerId,
    state,
    directory,
    proposals: peer.proposals.book,
    closures: {
      describe: (topLevel, onProgress) => recipes.describe(topLevel, onProgress),
      add: closure => closures.add(closure),
      damaged,
      holds: async descriptor => (await closures.held(descriptor)) !== undefined,
    },
    bundles: new BundleMaker({ state, directory, closures, swarms }),
    neighbours: new MeshNeighbours(peer, settings),
    get alarms() {
      return peer.meshStatus.fields.alarms ?? []
    },
    takeOutbox: sealed => {
      const { history } = peer
      return takeOutbox({ fleet, directory, history, identities: () => age.identities, log }, sealed)
    },
    historyOf: id => peer.history.of(id),
    publishCertificate: async (id, envelope) => {
      await directory.addCertificate(id, envelope)
      peer.gossip.publishCertificate(envelope)
    },
    auditTable: database.table('audit'),
    start: async ({ keeps }) => {
      pruner.addRoots(keeps)
      pruner.addRoots(() => recipes.needed())
      await peer.start()
      pruner.start({ whenDue: true })
    },
    stop: () => peer.stop(),
  }
}
