/** Makes the peer of a controller, and shows of it what controllers ask for. */

import { peerIdFromString } from '@libp2p/peer-id'
import { openRecording } from '../access/recording-file.ts'
import { askForRecordings, readRecording } from '../access/recordings-service.ts'
import { askForEntries, askForProofs } from '../audit/audit-service.ts'
import { HeadBook } from '../audit/head-book.ts'
import { BundleMaker } from '../carry/bundle-maker.ts'
import { CarriedMetrics } from '../carry/carried-metrics.ts'
import { CarriedSnapshots } from '../carry/carried-snapshots.ts'
import { estimateOf } from '../carry/estimate.ts'
import { takeOutbox } from '../carry/take-outbox.ts'
import { releasedClosures } from '../state/released-closures.ts'
import { ShiftMaker } from '../swarm/delta/make-shifts.ts'
import { fetchClosure } from '../swarm/fetch/closure-fetch.ts'
import { PathRecipes } from '../swarm/recipe/path-recipes.ts'
import { ControllerAlerts } from './controller-alerts.ts'
import { ControllerLog } from './controller-log.ts'
import type { ControllerPeer } from './controller-peer.ts'
import { LastSeen } from './last-seen.ts'
import { MeshNeighbours } from './mesh-neighbours.ts'
import { MeshPeer, type MeshPeerInit } from './mesh-peer.ts'
import { ownShifts } from './own-shifts.ts'
import { factsOf } from './standing.ts'

/** A controller's peer that is not started yet. The state stays the caller's, to be closed after the peer's end. */
export async function makeControllerPeer(init: MeshPeerInit): Promise<ControllerPeer> {
  return controllerPeerOf(await MeshPeer.make({ ...init, keepsDocuments: true }), init)
}

/** The door of a peer that is there. */
export function controllerPeerOf(
  peer: MeshPeer,
  { state: { database, age, clock, own }, settings, log }: Pick<MeshPeerInit, 'state' | 'settings' | 'log'>,
): ControllerPeer {
  const ownLog = new ControllerLog({ peer, state: { database, clock }, log }, () => alerts?.report())
  const { fleet, state, directory, store, closures, swarms, pruner, damaged } = peer
  const metrics = new CarriedMetrics(database.table('carried-metrics'))
  const snapshots = new CarriedSnapshots(database.table('carried-snapshots'))
  const heads = new HeadBook({ fleet, directory, table: database.table('log-heads'), log })
  const neighbours = new MeshNeighbours(peer, settings)
  const isConnected = (id: string) => neighbours.wayTo(id) !== undefined
  const lastSeen = new LastSeen({ directory, isConnected, clock, table: database.table('receipts'), log })
  let alerts: ControllerAlerts | undefined
  const recipes = new PathRecipes({ store, documents: state, table: database.table('described'), damaged })
  const shifts = new ShiftMaker({ store, state, table: database.table('shifts'), log })
  return {
    fleet,
    peerId: peer.identity.peerId,
    get certificate() {
      return peer.own.certificate
    },
    get envelope() {
      return peer.own.envelope
    },
    state,
    directory,
    lastSeen,
    proposals: peer.proposals.book,
    closures: {
      describe: (topLevel, onProgress) => recipes.describe(topLevel, onProgress),
      add: closure => closures.add(closure),
      damaged,
      fetch: async (config, options) => {
        const known = await closures.get(config, options.signal)
        return await fetchClosure(peer.fetchComponents, known, options)
      },
      shifts: (wanted, running, init) => ownShifts({ state, maker: shifts }, wanted, running, init),
      holds: async descriptor => (await closures.held(descriptor)) !== undefined,
    },
    bundles: new BundleMaker({ state, directory, closures, store, swarms, bases: peer.bases, shifts: peer.shifts }),
    neighbours,
    deviceLogs: {
      heads: id => heads.heads(id),
      entries: (id, range, signal) =>
        id === peer.identity.peerId ? ownLog.entries(range) : askForEntries(peer, peerIdFromString(id), range, signal),
      proofs: (id, about, signal) =>
        id === peer.identity.peerId ? ownLog.proofs(about) : askForProofs(peer, peerIdFromString(id), about, signal),
      accuse: async (id, documents) => void (await peer.evidence.add('log', id, documents)),
    },
    ownLog,
    recordings: {
      list: async (id, signal) => (await askForRecordings(peer, peerIdFromString(id), signal)).recordings,
      read: (id, recording, signal) => readRecording(peer, peerIdFromString(id), recording, signal),
      open: file => openRecording(age.identities, file),
    },
    get forkedLogs() {
      return peer.evidence.standing('log').map(({ subject }) => subject)
    },
    get alarms() {
      return peer.meshStatus.fields.alarms ?? []
    },
    takeOutbox: sealed => {
      const { history } = peer
      const identities = () => age.identities
      return takeOutbox({ fleet, directory, history, metrics, snapshots, identities, log }, sealed)
    },
    mergeHistory: (id, account) => peer.history.merge(id, account),
    estimate: async (wanted, running) => {
      const held = await releasedClosures(state, topLevel => running.includes(topLevel))
      return await estimateOf({ closures, swarms }, wanted, [...held.values()])
    },
    factsOf: device => factsOf(peer, device, new Date()),
    carriedMetrics: (id, request) => metrics.history(id, request),
    carriedSnapshots: id => snapshots.of(id),
    keepSnapshots: (id, taken) => snapshots.keep(id, taken),
    historyOf: id => peer.history.of(id),
    publishCertificate: async (id, envelope) => {
      await directory.addCertificate(id, envelope)
      peer.gossip.publishCertificate(envelope)
    },
    get alerts() {
      return alerts
    },
    sendAlerts: async init => {
      alerts = await ControllerAlerts.start({ peer, own, clock, table: database.table('alerts'), ownLog, log }, init)
    },
    auditTable: database.table('audit'),
    start: async ({ keeps }) => {
      pruner.addRoots(keeps)
      pruner.addRoots(() => recipes.needed())
      heads.start()
      await lastSeen.start()
      await peer.start()
      await ownLog.start()
      pruner.start({ whenDue: true })
    },
    stop: async () => {
      await alerts?.stop()
      await ownLog.stop()
      await heads.stop()
      await lastSeen.stop()
      await peer.stop()
    },
  }
}
