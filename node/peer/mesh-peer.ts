/** A peer of the mesh, composed of identity, state, host, admission, gossip, sync and the swarm. */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { PeerId } from '@libp2p/interface'
import { bootLength } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { ProtocolNames } from '../../protocol/messages/messages.ts'
import { BundleShelf } from '../bundle/bundle-shelf.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import { Documents } from '../mesh/exchange/documents.ts'
import { Equivocation } from '../mesh/exchange/equivocation.ts'
import { Gossip } from '../mesh/exchange/gossip.ts'
import { News } from '../mesh/exchange/news.ts'
import { OwnHoldings } from '../mesh/exchange/own-holdings.ts'
import { Proposals } from '../mesh/exchange/proposals.ts'
import { Refresher } from '../mesh/exchange/refresher.ts'
import { Sync } from '../mesh/exchange/sync.ts'
import { Lanes } from '../mesh/lane/lanes.ts'
import { StreamLanes } from '../mesh/lane/stream-lanes.ts'
import type { AddressBook } from '../mesh/peers/address-book.ts'
import { Admission } from '../mesh/peers/admission.ts'
import type { ConnectionLimits } from '../mesh/peers/connection-places.ts'
import { DialSupervisor } from '../mesh/peers/dial-supervisor.ts'
import { DoubleConnections } from '../mesh/peers/double-connections.ts'
import { OwnCertificate } from '../mesh/peers/own-certificate.ts'
import { Relays } from '../mesh/relay/relays.ts'
import type { Host } from '../mesh/transport/host.ts'
import { connectionTo } from '../mesh/transport/open-stream.ts'
import type { Logger } from '../process/log.ts'
import { AwaitedDevices } from '../rollout/awaited.ts'
import type { SiteUplinkBudget } from '../rollout/site-uplink.ts'
import type { Settings } from '../settings/settings.ts'
import type { EvidenceBook } from '../state/evidence.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { Identity } from '../state/identity.ts'
import type { PeerState } from '../state/peer-state.ts'
import { closuresOf, nixKeysOf } from '../state/releases.ts'
import { NixStore } from '../store/local/nix-store.ts'
import { ChunkIndex } from '../swarm/chunks/chunk-index.ts'
import { Closures } from '../swarm/chunks/closures.ts'
import { DamagedPaths } from '../swarm/chunks/damaged-paths.ts'
import { Bases } from '../swarm/delta/bases.ts'
import { ReleasedShifts } from '../swarm/delta/released-shifts.ts'
import type { ClosureFetchComponents } from '../swarm/fetch/closure-fetch.ts'
import { openChunks } from '../swarm/fetch/open-chunks.ts'
import { servedPeers, stagingBudgetBytes } from '../swarm/limits.ts'
import { RecipeBook } from '../swarm/recipe/recipe-book.ts'
import { SwarmService } from '../swarm/session/swarm-service.ts'
import { UploadLimiter } from '../swarm/session/upload-limiter.ts'
import { removeStaleStaging } from '../swarm/staging/stale-staging.ts'
import { History } from './history.ts'
import { reconsiderMs } from './limits.ts'
import { agent, loadParts, type MeshTiming, type Parts } from './mesh-parts.ts'
import { MeshStatus } from './mesh-status.ts'
import { Pruner } from './pruner.ts'
import { ShardKeeper } from './shard-keeper.ts'
import { stopParts } from './stop-parts.ts'

export interface MeshPeerInit {
  fleet: string
  /** Our own certificate's envelope; a newer one is adopted from the mesh. */
  certificate: Uint8Array
  settings: Settings
  state: PeerState
  log: Logger
  /** The Nix store; by default that of the settings. */
  store?: NixStore
  /** Whether all certificates and reports stay decoded in memory, for views of a whole fleet. */
  keepsDocuments?: boolean
  /** Connections of members and of strangers; for tests. */
  connections?: ConnectionLimits
  timing?: MeshTiming
}

/** The inside of a peer, for the daemon that is built around it; a controller has the narrower `ControllerPeer`. */
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
  readonly news: News
  readonly closures: Closures
  readonly swarms: SwarmService
  /** Streams of access that may go on on bulk lanes. */
  readonly streamLanes: StreamLanes
  readonly #lanes: Lanes | undefined
  readonly bases: Bases
  readonly shifts: ReleasedShifts
  /** The components of `fetchClosure`. */
  readonly fetchComponents: ClosureFetchComponents
  readonly store: NixStore
  /** Attached bundles: further sources of chunks. */
  readonly shelf = new BundleShelf()
  /** Paths of the store that turned out damaged. */
  readonly damaged: DamagedPaths
  readonly supervisor: DialSupervisor
  /** The budget of our site's uplink. */
  readonly uplink: SiteUplinkBudget
  readonly relays: Relays
  readonly #refresher: Refresher
  readonly #shards: ShardKeeper
  readonly sync: Sync
  /** Outcomes of releases on each device, from reports. */
  readonly history: History
  readonly proposals: Proposals
  /** Prunes stored documents; started by the owner, which adds the roots to keep. */
  readonly pruner: Pruner
  readonly equivocation: Equivocation
  /** Our own current certificate. */
  readonly own: OwnCertificate
  /** Evidence of equivocation and clones in this fleet. */
  readonly evidence: EvidenceBook
  /** The mesh's fields in reports. */
  readonly meshStatus: MeshStatus
  readonly #init: MeshPeerInit
  readonly #parts: Parts
  readonly #doubles: DoubleConnections
  #rejudging: NodeJS.Timeout | undefined

  private constructor(init: MeshPeerInit, parts: Parts) {
    const { fleet, settings, log } = init
    const { clock, database } = init.state
    const { names, host, state, directory, addresses, refused, evidence, clones, peerScore, uplink } = parts
    this.uplink = uplink
    this.#init = init
    this.#parts = parts
    this.evidence = evidence
    this.own = new OwnCertificate({ own: init.state.own, age: init.state.age, clock, log }, init.certificate)
    const { own } = this
    // A random number that identifies this process in hellos and reports.
    const boot = new Uint8Array(randomBytes(bootLength))
    this.fleet = fleet
    this.identity = init.state.identity
    this.names = names
    this.host = host
    this.state = state
    this.directory = directory
    const hello = () => ({ v: 1 as const, fleet, certificate: own.envelope, agent, ...state.versions, boot })
    const authority = () => state.accepted?.authority
    const known = (peer: string) => {
      const valid = directory.valid(peer)
      return valid && { certificate: valid.document, envelope: valid.envelope }
    }
    const checks = { authority, known, refused, clones, peerScore, connections: init.connections }
    this.admission = new Admission({ host, names, fleet, clock, log, hello, ...checks })
    const { admission } = this
    const members = database.table('members')
    this.documents = new Documents({ host, names, admission, state, evidence, members, peerScore, log })
    const { documents } = this
    const isMember = (peer: PeerId) => admission.member(peer) !== undefined
    const isConnected = (peer: PeerId) => connectionTo(host, peer) !== undefined
    this.equivocation = new Equivocation({ state, evidence, documents, log })
    const { equivocation } = this
    this.meshStatus = new MeshStatus({ boot, own, evidence, equivocation })
    const subjectOf = (peer: PeerId) => admission.subjectOf(peer)
    this.#refresher = new Refresher({ state, documents, clock, log, isMember, isConnected, subjectOf, equivocation })
    const refresher = this.#refresher
    const watching = { equivocation, peerScore, log }
    const site = () => own.certificate.site
    this.gossip = new Gossip({ host, names, admission, state, directory, documents, refresher, site, ...watching })
    const { gossip } = this
    const telling = { host, names, admission, state, directory, gossip, ...watching }
    const holdings = new OwnHoldings(telling)
    const awaited = new AwaitedDevices({ state, directory })
    const hearing = { ...telling, holdings: holdings.holdings, site, isHurried: () => awaited.areAny }
    this.news = new News(hearing, { everyMs: init.timing?.newsMs, gossiped: init.timing?.gossipedMembers })
    this.sync = new Sync({ ...telling, addresses, refresher, holdings, news: this.news })
    const proposing = { peerScore, table: database.table('proposals'), log }
    this.proposals = new Proposals({ host, names, admission, state, ...proposing })
    const keeping = { state, documents, directory, admission, own, log }
    this.#shards = new ShardKeeper({ ...keeping, proposals: this.proposals.book })
    const { transports, hubs } = parts
    if (settings.lanes) this.#lanes = new Lanes({ guests: transports.ownPort.guests, log })
    this.streamLanes = new StreamLanes({ host, names, admission, lanes: this.#lanes, log })
    const relaying = { host, names, admission, addresses, transports, hubs, log, onMoved: () => gossip.repair() }
    const mapping = { portMapping: settings.portMapping, seed: this.identity.seed }
    this.relays = new Relays(relaying, { ...settings.relay, ...mapping, ...init.timing })
    const byHub: Relays['dial'] = (peer, signal) => this.relays.dial(peer, signal)
    this.supervisor = new DialSupervisor({ host, admission, addresses, byHub, log }, { bootstrap: settings.bootstrap })
    this.#doubles = new DoubleConnections({ host, admission, isHub: peer => hubs.has(peer) })
    this.#doubles.on('ended', () => gossip.repair())
    const trustedPublicKeys = () => nixKeysOf(state.accepted, own.certificate.site)
    this.store =
      init.store ?? new NixStore({ log }, { ...(settings.store && { root: settings.store }), trustedPublicKeys })
    this.closures = new Closures({ state, documents, log })
    const recipes = new RecipeBook(database.level, { document: hash => state.document(hash), log })
    const index = new ChunkIndex(database.level)
    const { store, closures, shelf } = this
    this.damaged = new DamagedPaths({ table: database.table('damaged'), store, log })
    this.damaged.on('changed', () => this.meshStatus.emit('changed'))
    const onDamaged = (path: string) => void this.damaged.found(path)
    this.history = new History({ directory, table: database.table('history'), log })
    const uploads = new UploadLimiter({
      bytesPerSecond: settings.upload.bytesPerSecond,
      peers: settings.upload.peers ?? servedPeers,
    })
    const pruning = { state, closures, recipes, index, store, directory, own: init.state.own, log }
    this.pruner = new Pruner({ ...pruning, proposals: this.proposals.book, history: database.table('history') })
    const stagingDirectory = join(settings.state, 'staging')
    const budgetBytes = settings.staging.bytes ?? stagingBudgetBytes
    const held: Closures['held'] = hash => closures.held(hash)
    const positionsOf = async (path: string) => (await recipes.recipeFor(path))?.positions
    const bases = new Bases({ store, index, positionsOf, recipe: id => recipes.recipe(id) })
    this.bases = bases
    this.shifts = new ReleasedShifts({ state, documents, log })
    const staging = { directory: stagingDirectory, budgetBytes, held }
    const opening = { store, index, recipes, shelf, bases, shifts: this.shifts, ...staging, onDamaged, log }
    this.swarms = new SwarmService({
      ...{ host, names, admission, closures, uploads, bases, uplink, lanes: this.#lanes, log },
      certificate: own.certificate,
      openChunks: (known, changes) => openChunks(opening, known, changes),
    })
    this.fetchComponents = { store, swarms: this.swarms, trustedPublicKeys, stagingDirectory, log }
  }

  /** Loads the state and creates the host. Starts nothing. */
  static async make(init: MeshPeerInit): Promise<MeshPeer> {
    let made: MeshPeer | undefined
    made = new MeshPeer(init, await loadParts(init, () => made))
    return made
  }

  /** Addresses where members were reached. */
  get addresses(): Pick<AddressBook, 'addresses'> {
    return this.#parts.addresses
  }

  /** Starts all parts; if one fails, stops the others and throws. */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (thrown) {
      await this.stop()
      throw thrown
    }
  }

  async #start(): Promise<void> {
    const { admission, directory, host, state, fleet, identity } = this
    const { log, settings } = this.#init
    await removeStaleStaging(join(settings.state, 'staging'), closuresOf(state.accepted))
    await this.store.start()
    await this.closures.load()
    await this.damaged.start()
    this.gossip.on('unheard', () => {
      log.debug({ members: admission.members.length }, 'no neighbour listens yet: a sync tells them')
      for (const { peer } of admission.members) void this.sync.syncWith(peer, { again: true })
    })
    admission.on('newer', ({ peer }) => void this.#refresher.refreshFrom(peer))
    admission.on('admitted', member => void this.#keep(member.peer.toString(), member.envelope))
    directory.on('certificate', ({ peer }) => this.#certified(peer))
    directory.on('forgotten', peer => this.#forgotten(peer))
    this.#rejudging = setInterval(() => admission.recheckAdmitted(), reconsiderMs)
    state.on('changed', () => {
      void this.#keepOwnCertificate()
      this.#leaveWhenRevoked()
      admission.recheckAll()
      directory.recheckAll().catch(error => log.warn({ reason: messageOf(error) }, 'the members were not rechecked'))
    })
    // Handlers are registered before the host listens, so that no early stream is rejected.
    this.history.start()
    await this.documents.start()
    this.#lanes?.start()
    await this.swarms.start()
    await this.streamLanes.start()
    await this.news.start()
    await this.sync.start()
    await this.proposals.start()
    await this.relays.start()
    await admission.start()
    await host.start()
    this.gossip.start()
    await this.#keepOwnCertificate()
    this.own.start()
    this.#shards.start()
    this.supervisor.start()
    this.#doubles.start()
    this.#leaveWhenRevoked()
    log.info({ peer: identity.peerId, fleet, addresses: host.getMultiaddrs().map(String) }, 'peer started')
  }

  /** Stops all running parts; a failure of one doesn't keep the others from stopping. */
  async stop(): Promise<void> {
    clearInterval(this.#rejudging)
    this.supervisor.stop()
    this.#doubles.stop()
    this.gossip.stop()
    const first = [this.pruner, this.own, this.history, this.#refresher, this.#shards, this.news, this.sync]
    const next = [this.proposals, this.relays, this.admission, this.swarms]
    const lanes = [this.streamLanes, ...(this.#lanes ? [this.#lanes] : [])]
    const last = [this.shelf, this.uplink, this.damaged, this.documents, this.directory, this.host, this.store]
    await stopParts([...first, ...next, ...lanes, ...last], this.#init.log)
  }

  async #keepOwnCertificate(): Promise<void> {
    if (this.state.accepted !== undefined) await this.#keep(this.identity.peerId, this.own.envelope)
  }

  /** Whether this peer's membership is known to be revoked. */
  get revoked(): boolean {
    return this.state.accepted?.authority.revoked.has(this.identity.peerId) ?? false
  }

  /** No member answers a revoked peer, so it stops dialling and logs why. The running system stays. */
  #leaveWhenRevoked(): void {
    if (!this.revoked) return
    this.#init.log.error(
      { peer: this.identity.peerId, name: this.own.certificate.name },
      'this peer was revoked: it leaves the mesh. To come back it needs a new identity and a new join token',
    )
    this.supervisor.stop()
    this.#doubles.stop()
    this.admission.close()
  }

  #certified(peer: string): void {
    this.admission.recheckAdmitted(peer)
    const known = this.directory.certificate(peer)
    if (peer !== this.identity.peerId || known === undefined) return
    this.own.adopt(known.envelope).catch(error => {
      this.#init.log.error({ reason: messageOf(error) }, 'our own new certificate was not stored')
    })
  }

  #forgotten(peer: string): void {
    this.#parts.clones.forget(peer)
    this.history.forget(peer)
    void this.supervisor.forget(peer)
  }

  async #keep(peer: string, envelope: Uint8Array): Promise<void> {
    try {
      // Published for distant peers too, above all controllers, which countersign it.
      if ((await this.directory.addCertificate(peer, envelope)) === 'new') this.gossip.publishCertificate(envelope)
    } catch (thrown) {
      this.#init.log.warn({ peer, reason: messageOf(thrown) }, 'a certificate was not stored')
    }
  }
}
