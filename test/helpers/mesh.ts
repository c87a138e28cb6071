/** Real peers on loopback, in this process: made with temporary state, ended and removed with the test. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ControllerPeer } from '../../node/peer/controller-peer.ts'
import { controllerPeerOf } from '../../node/peer/make-controller-peer.ts'
import type { MeshTiming } from '../../node/peer/mesh-parts.ts'
import { MeshPeer } from '../../node/peer/mesh-peer.ts'
import type { Logger } from '../../node/process/log.ts'
import { parseSettings, type SettingsInput } from '../../node/settings/settings.ts'
import { FleetState } from '../../node/state/fleet-state.ts'
import { writeSeed } from '../../node/state/identity.ts'
import { openState, type PeerState } from '../../node/state/peer-state.ts'
import type { NixStore } from '../../node/store/local/nix-store.ts'
import { chunkMemory } from '../../node/swarm/chunks/chunk-memory.ts'
import { equalBytes, sha256 } from '../../protocol/encoding/hash.ts'
import { type Report, reportKind } from '../../protocol/report/report.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import type { Signer } from '../../protocol/signing/keys.ts'
import { peerIdOf } from '../../protocol/signing/peer-id.ts'
import type { Published } from '../../protocol/trust/publish.ts'
import { dial } from './dial.ts'
import { daysAfter, type TestFleet, testFleet, testSeed, testSigner } from './fleet.ts'
import { silentLogger } from './log.ts'
import { poisonFreed } from './poisoned-chunks.ts'
import { until } from './until.ts'

poisonFreed(chunkMemory)

/** A fleet whose documents are valid today. */
export function liveFleet(name = 'orchard'): TestFleet {
  return testFleet({ name, now: daysAfter(new Date(new Date().setMilliseconds(0)), -1) })
}

export interface PeerInit {
  /** Names the peer's key, its state directory and, if nothing else is said, the peer. */
  word: string
  fleet: TestFleet
  /** An envelope, instead of one that the fleet's members role signs; or how it is made, where it names the peer's age key. */
  certificate?: Uint8Array | ((state: PeerState) => Uint8Array)
  /** The metadata that it trusts from the beginning: the fleet's latest by default; `none` for one that joins. */
  trusts?: Published | 'none'
  settings?: SettingsInput
  store?: Partial<NixStore>
  logger?: Logger
  /** Fills its state before the peer reads it. */
  fill?: (state: PeerState) => Promise<void>
  connections?: { members: number; strangers: number }
  timing?: MeshTiming
  /** As a controller does: all members' documents stay decoded. */
  keepsDocuments?: boolean
}

/** The peers of one test. */
export class Mesh {
  readonly directory: string
  readonly #stops: (() => Promise<void>)[] = []

  private constructor(directory: string) {
    this.directory = directory
  }

  static async of(t: { after(undo: () => Promise<void>): void }): Promise<Mesh> {
    const mesh = new Mesh(await mkdtemp(join(tmpdir(), 'thymesh-mesh-')))
    t.after(() => mesh.#end())
    return mesh
  }

  /** A peer that is not started yet. Made again with the same word it has the same state, when the last one has stopped. */
  async make(init: PeerInit): Promise<TestPeer> {
    const { word, fleet, trusts = fleet.published } = init
    const settings = parseSettings(
      {
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: false,
        dht: 'off',
        log: 'silent',
        ...init.settings,
        state: join(this.directory, word),
      },
      'test',
    )
    const state = await openStateOf(settings, word)
    const close = () => state.database.close()
    this.#stops.push(close)
    if (trusts !== 'none') await accept(state, fleet, trusts)
    await init.fill?.(state)
    const made = typeof init.certificate === 'function' ? init.certificate(state) : init.certificate
    const certificate = made ?? fleet.certify(testSigner(word), { name: word })
    const peer = await MeshPeer.make({
      fleet: fleet.fleet,
      certificate,
      settings,
      state,
      log: init.logger ?? silentLogger,
      store: fakeStore(init.store),
      ...(init.connections && { connections: init.connections }),
      ...(init.timing && { timing: init.timing }),
      ...(init.keepsDocuments && { keepsDocuments: true }),
    })
    const stop = async () => {
      await peer.stop()
      await close()
    }
    this.#stops.push(stop)
    const door = controllerPeerOf(peer, { state, settings, log: silentLogger })
    return Object.assign(peer, { word, certificate, signer: testSigner(word), peerState: state, door, stopAll: stop })
  }

  /** A peer that runs. */
  async start(init: PeerInit): Promise<TestPeer> {
    const peer = await this.make(init)
    await peer.start()
    return peer
  }

  /** Ends with the test what isn't a peer. */
  after(stop: () => Promise<void>): void {
    this.#stops.push(stop)
  }

  async #end(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop().catch(() => {})
    await rm(this.directory, { recursive: true, force: true })
  }
}

export type TestPeer = MeshPeer & {
  word: string
  certificate: Uint8Array
  signer: Signer
  peerState: PeerState
  /** A controller's interface of it. */
  door: ControllerPeer
  /** Stops the peer and closes its state. */
  stopAll(): Promise<void>
}

/** `n` peers of a new fleet, named peer-0 …, started but not connected. */
export async function mesh(t: TestContext, n: number): Promise<{ mesh: Mesh; fleet: TestFleet; peers: TestPeer[] }> {
  const made = await Mesh.of(t)
  const fleet = liveFleet()
  const peers: TestPeer[] = []
  for (let each = 0; each < n; each++) peers.push(await made.start({ word: `peer-${each}`, fleet }))
  return { mesh: made, fleet, peers }
}

/** Where a peer listens, with its ID. */
export function addressesOf(peer: { host: { getMultiaddrs(): { toString(): string }[] } }): string[] {
  return peer.host.getMultiaddrs().map(String)
}

/** One dials the other, and both admit each other. */
export async function connect(from: MeshPeer, to: MeshPeer): Promise<void> {
  await dial(from.host, to.host.getMultiaddrs())
  const areMembers = async () => {
    // A hello that has run out of its time ends its connection.
    const isGone = from.host.getConnections(to.host.peerId).length === 0
    if (isGone) await dial(from.host, to.host.getMultiaddrs()).catch(() => {})
    return isMember(from, to) && isMember(to, from)
  }
  await until(areMembers, 'both to admit each other')
}

export function isMember(of: MeshPeer, peer: { host: MeshPeer['host'] }): boolean {
  return of.admission.member(peer.host.peerId) !== undefined
}

/** Waits until gossip goes both ways between neighbours, on both topics. */
export async function gossiping(...pairs: [TestPeer, TestPeer][]): Promise<void> {
  for (const [a, b] of pairs.flatMap(([a, b]): [TestPeer, TestPeer][] => [
    [a, b],
    [b, a],
  ])) {
    const { getMeshPeers } = a.host.services.pubsub as unknown as { getMeshPeers(topic: string): string[] }
    for (const topic of [a.names.heads, a.names.reports]) {
      const has = () => getMeshPeers.call(a.host.services.pubsub, topic).includes(b.identity.peerId)
      await until(has, `${a.word} to gossip with ${b.word}`)
    }
  }
}

/** A report of a peer's own. */
export function reportOf(
  peer: Pick<TestPeer, 'fleet' | 'signer'>,
  counter: number,
  more: Partial<Report> = {},
): Uint8Array {
  const report: Report = {
    v: 1,
    fleet: peer.fleet,
    peer: peerIdOf(peer.signer.publicKey),
    counter,
    state: 'waiting',
    freshness: 'fresh',
    ...more,
  }
  return signEnvelope(reportKind, report, peer.signer)
}

/** Makes a peer's state accept the published metadata. */
export async function accept(state: PeerState, fleet: TestFleet, published: Published): Promise<void> {
  const kept = await FleetState.load(fleet.fleet, state.database, state.clock)
  if (kept.accepted !== undefined) return
  await kept.accept(published.trusted, documentsOf(fleet))
}

/** Brings the documents of everything that a fleet has published. */
export function documentsOf(fleet: TestFleet) {
  return async ({ hash }: { hash: Uint8Array }): Promise<Uint8Array> => {
    const all = fleet.history.flatMap(({ documents }) => documents)
    const found = all.find(bytes => equalBytes(sha256(bytes), hash))
    if (found === undefined) throw new RangeError('expected a document that the fleet has published')
    return found
  }
}

/** A store that holds nothing, for peers whose NARs are not what a test is about. */
export function fakeStore(parts: Partial<NixStore> = {}): NixStore {
  const nothing = { start: async () => {}, stop: async () => {}, isValid: async () => false }
  return { ...nothing, ...parts } as unknown as NixStore
}

async function openStateOf(settings: Parameters<typeof openState>[0], word: string): Promise<PeerState> {
  await mkdir(settings.state, { recursive: true })
  await writeSeed(join(settings.state, 'identity.key'), testSeed(word)).catch(error => {
    if (error.code !== 'EEXIST') throw error
  })
  return await openState(settings)
}
