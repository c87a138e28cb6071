/** One peer of the mesh, put together: identity, state, host, admission, gossip, sync, and the serving of closures. */

import { join } from 'node:path'
import type { PeerId } from '@libp2p/interface'
import { readCertificate } from '../../protocol/certificate.ts'
import { hashOfCid } from '../../protocol/cid.ts'
import { messageOf } from '../../protocol/errors.ts'
import { toHex } from '../../protocol/hash.ts'
import { type ProtocolNames, protocolNames } from '../../protocol/messages.ts'
import { type Logger, libp2pLogger } from '../log.ts'
import type { Settings } from '../settings.ts'
import { AgeIdentities } from '../state/age-identities.ts'
import { Clock } from '../state/clock.ts'
import { Database, type Table } from '../state/database.ts'
import { FleetState } from '../state/fleet-state.ts'
import { type Identity, loadIdentity } from '../state/identity.ts'
import { OwnState } from '../state/own.ts'
import { NixStore } from '../store/nix-store.ts'
import { BaseFinder } from '../swarm/base-finder.ts'
import { Bases } from '../swarm/bases.ts'
import { ChunkIndex } from '../swarm/chunk-index.ts'
import type { ClosureFetchComponents } from '../swarm/closure-fetch.ts'
import { Closures } from '../swarm/closures.ts'
import { servedPeers, stagingBudgetBytes } from '../swarm/limits.ts'
import { LocalChunks } from '../swarm/local-chunks.ts'
import { RecipeBook } from '../swarm/recipe-book.ts'
import { Staging } from '../swarm/staging.ts'
import { removeStaleStaging } from '../swarm/stale-staging.ts'
import { SwarmService } from '../swarm/swarm-service.ts'
import { UploadLimiter } from '../swarm/upload-limiter.ts'
import { AddressBook } from './address-book.ts'
import { Admission } from './admission.ts'
import { DialSupervisor } from './dial-supervisor.ts'
import { Directory } from './directory.ts'
import { Documents } from './documents.ts'
import { Gossip } from './gossip.ts'
import { type Host, makeHost } from './host.ts'
import { connectionTo } from './open-stream.ts'
import { Refresher } from './refresher.ts'
import { Refusals } from './refusals.ts'
import { Sync } from './sync.ts'

export const agent = 'thymesh/0.1.0'

/** What a peer keeps on disk, open: before there is a mesh, and while there is one. */
export interface PeerState {
  readonly identity: Identity
  /** What secrets for this peer are encrypted to. */
  readonly age: AgeIdentities
  readonly database: Database
  readonly own: OwnState
  readonly clock: Clock
}

/** Opens a peer's state directory. */
export async function openState(settings: Pick<Settings, 'state' | 'clock'>): Promise<PeerState> {
  const database = await Database.open(settings.state)
  try {
    const own = new OwnState(database)
    const clock = await Clock.load(own, settings.clock)
    const identity = await loadIdentity(join(settings.state, 'identity.key'))
    const age = await AgeIdentities.load(join(settings.state, 'age.keys'), clock.reference)
    return { identity, age, database, own, clock }
  } catch (thrown) {
    await database.close()
    throw thrown
  }
}

export interface MeshPeerInit {
  fleet: string
  /** Our own certificate's envelope. */
  certificate: Uint8Array
  settings: Settings
  state: PeerState
  log: Logger
  /** The Nix store; that of the settings if none is given. */
  store?: NixStore
}

export class MeshPeer {
  readonly fleet: string
  readonly identity: Identity
  readonly names: ProtocolNames
  readonly host: Host
  readonly state: FleetState
  readonly directory: Directory
  readonly admission: Admission
  readonly documents: Documents
  readonly gossip: Gossip
  readonly closures: Closures
  readonly swarms: SwarmService
  /** Recipes that this peer made as a controller, by store path. */
  readonly described: Table
  /** What `fetchClosure` works with. */
  readonly fetchComponents: ClosureFetchComponents
  readonly store: NixStore
  readonly supervisor: DialSupervisor
  readonly #refresher: Refresher
  readonly sync: Sync
  readonly #init: MeshPeerInit

  private constructor(
    init: MeshPeerInit,
    parts: { host: Host; state: FleetState; directory: Directory; addresses: AddressBook; refused: Refusals },
  ) {
    const { fleet, settings, log } = init
    const { clock, database } = init.state
    const { host, state, directory, addresses, refused } = parts
    const names = protocolNames(fleet)
    this.#init = init
    this.fleet = fleet
    this.identity = init.state.identity
    this.names = names
    this.host = host
    this.state = state
    this.directory = directory
    const hello = () => ({ v: 1 as const, fleet, certificate: init.certificate, agent, ...state.versions })
    const authority = () => state.belief?.authority
    this.admission = new Admission({ host, names, fleet, clock, log, authority, hello, refused })
    const { admission } = this
    this.documents = new Documents({ host, names, admission, state, members: database.table('members'), log })
    const { documents } = this
    const isMember = (peer: PeerId) => admission.member(peer) !== undefined
    const isConnected = (peer: PeerId) => connectionTo(host, peer) !== undefined
    this.#refresher = new Refresher({ state, documents, clock, log, isMember, isConnected })
    const refresher = this.#refresher
    this.gossip = new Gossip({ host, names, admission, state, directory, documents, refresher, log })
    this.sync = new Sync({ host, names, admission, state, directory, addresses, refresher, gossip: this.gossip, log })
    this.supervisor = new DialSupervisor({ host, admission, addresses, log }, { bootstrap: settings.bootstrap })
    this.store =
      init.store ??
      new NixStore(
        { log },
        { ...(settings.store && { root: settings.store }), trustedPublicKeys: () => state.belief?.nixPublicKeys ?? [] },
      )
    this.closures = new Closures({ state, documents, log })
    const recipes = new RecipeBook(database.level, { document: hash => state.document(hash), log })
    const index = new ChunkIndex(database.level)
    const { store, closures } = this
    this.described = database.table('described')
    const uploads = new UploadLimiter({
      bytesPerSecond: settings.upload.bytesPerSecond,
      peers: settings.upload.peers ?? servedPeers,
    })
    this.swarms = new SwarmService({
      host,
      names,
      admission,
      closures,
      uploads,
      bases: new Bases({
        store,
        index,
        positionsOf: async path => (await recipes.recipeFor(path))?.positions,
        recipe: id => recipes.recipe(id),
      }),
      certificate: readCertificate(init.certificate),
      log,
      openChunks: async ({ hash, list }, onLost) => {
        const directory = join(settings.state, 'staging', toHex(hash))
        const staging = await Staging.open(directory, list, {
          budgetBytes: settings.staging.bytes ?? stagingBudgetBytes,
        })
        const chunks = new LocalChunks({ store, list, staging, index, recipes, log }, { onLost })
        await chunks.discover()
        const finder = new BaseFinder({ list, index, recipes })
        return { chunks, finder, close: () => staging.close() }
      },
    })
    const trustedPublicKeys = () => state.belief?.nixPublicKeys ?? []
    this.fetchComponents = { store, swarms: this.swarms, trustedPublicKeys, log }
  }

  /** Reads what was kept and makes the host. Starts nothing. */
  static async make(init: MeshPeerInit): Promise<MeshPeer> {
    const { fleet, settings, log } = init
    const { clock, database, identity } = init.state
    const state = await FleetState.load(fleet, database, clock)
    const authority = () => state.belief?.authority
    const directory = await Directory.load({ fleet, clock, log, authority }, database)
    const addresses = await AddressBook.load(database.table('addresses'))
    const refused = new Refusals()
    const host = await makeHost({
      seed: identity.seed,
      names: protocolNames(fleet),
      settings,
      agent,
      logger: libp2pLogger(log),
      denies: peer => refused.has(peer),
    })
    return new MeshPeer(init, { host, state, directory, addresses, refused })
  }

  /** Starts everything; throws, with nothing left running, when a part can't start. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (thrown) {
      await this.stop()
      throw thrown
    }
  }

  async #start(): Promise<void> {
    const { admission, directory, host, state } = this
    const { log, settings } = this.#init
    const released = Object.values(state.belief?.release.configs ?? {})
    const wanted = new Set(released.map(({ closure }) => toHex(hashOfCid(closure))))
    await removeStaleStaging(join(settings.state, 'staging'), wanted)
    await this.store.start()
    await this.closures.load()
    this.gossip.on('unheard', () => {
      for (const { peer } of admission.members) void this.sync.with(peer)
    })
    admission.on('newer', ({ peer }) => void this.#refresher.from(peer))
    admission.on('admitted', member => void this.#keep(member.peer.toString(), member.envelope))
    state.on('changed', () => {
      void this.#keepOwnCertificate()
      admission.reconsider()
      directory.reconsider().catch(error => log.warn({ reason: messageOf(error) }, 'the members were not judged again'))
    })
    // Handlers before the host listens: a stream that came earlier would find nobody.
    await this.documents.start()
    await this.swarms.start()
    await this.sync.start()
    await admission.start()
    await host.start()
    this.gossip.start()
    await this.#keepOwnCertificate()
    this.supervisor.start()
    const addresses = host.getMultiaddrs().map(String)
    log.info({ peer: this.identity.peerId, fleet: this.fleet, addresses }, 'peer started')
  }

  /** Ends everything, whatever of it runs; a part that fails to end does not keep the others. */
  async stop(): Promise<void> {
    this.supervisor.stop()
    this.gossip.stop()
    for (const part of [
      this.#refresher,
      this.sync,
      this.admission,
      this.swarms,
      this.documents,
      this.host,
      this.store,
    ]) {
      try {
        await part.stop()
      } catch (thrown) {
        this.#init.log.warn({ reason: messageOf(thrown) }, 'a part did not stop cleanly')
      }
    }
  }

  async #keepOwnCertificate(): Promise<void> {
    if (this.state.belief !== undefined) await this.#keep(this.identity.peerId, this.#init.certificate)
  }

  async #keep(peer: string, envelope: Uint8Array): Promise<void> {
    try {
      await this.directory.addCertificate(peer, envelope)
    } catch (thrown) {
      this.#init.log.warn({ peer, reason: messageOf(thrown) }, 'a certificate was not kept')
    }
  }
}
