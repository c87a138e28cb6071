/** A device's daemon: a mesh peer that follows releases, with its services. It ends cleanly on SIGTERM and SIGINT. */

import { join } from 'node:path'
import { messageOf } from '../../protocol/errors.ts'
import { storeDir } from '../../protocol/nix/store-path.ts'
import { wantedConfig } from '../../protocol/release/release.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import { daemonExtension } from '../../protocol/report/daemon.ts'
import { hostKeyExtension } from '../../protocol/report/ssh-host-key.ts'
import { version } from '../../protocol/version.ts'
import { hostKeyOf } from '../access/host-key.ts'
import type { ActivationLogs } from '../activation/activation-log.ts'
import type { Activator } from '../activation/activator.ts'
import { Housekeeper } from '../activation/housekeeper.ts'
import { activationDirectory } from '../activation/journal.ts'
import { profiles } from '../activation/switch.ts'
import { DeviceApi } from '../api/device-api.ts'
import { apiSockets } from '../api/socket-place.ts'
import { BundleDoor, type DoorWork } from '../carry/bundle-door.ts'
import { feedBundle } from '../carry/feed-bundle.ts'
import { stageIncomplete } from '../carry/stage-incomplete.ts'
import { type OutboxComponents, writeOutbox } from '../carry/write-outbox.ts'
import { writeOwnProgram } from '../files/own-program.ts'
import { readJournal } from '../logs/journal-reader.ts'
import { LogService } from '../logs/log-service.ts'
import { listeningProblem } from '../mesh/transport/listening.ts'
import type { Recorder } from '../metrics/recorder.ts'
import { knownSite } from '../peer/known-site.ts'
import { nameProblem } from '../peer/membership.ts'
import { MeshPeer } from '../peer/mesh-peer.ts'
import { checkNetwork, lookAtPeers } from '../peer/network.ts'
import { factsOf } from '../peer/standing.ts'
import { BusyWatch } from '../process/busy-watch.ts'
import { IdleCollector } from '../process/idle-collector.ts'
import { type Logger, makeLogger } from '../process/log.ts'
import { ownOrigin } from '../process/program-origin.ts'
import { RolloutGate } from '../rollout/gate.ts'
import { writeBootProgram } from '../secrets/at-boot.ts'
import { DeviceSecrets } from '../secrets/device-secrets.ts'
import { areInstalled } from '../secrets/install.ts'
import { SecretUpdates } from '../secrets/secret-updates.ts'
import type { Settings } from '../settings/settings.ts'
import { openState, type PeerState } from '../state/peer-state.ts'
import { followed } from '../state/releases.ts'
import { BinaryCache } from '../store/cache/binary-cache.ts'
import { StoreCacheSource } from '../store/cache/cache-source.ts'
import { HashParts } from '../store/cache/hash-parts.ts'
import { ReleasedDescriptors } from '../swarm/chunks/released-descriptors.ts'
import { MeshNars } from '../swarm/fetch/mesh-nars.ts'
import { Device } from './device.ts'
import { DeviceAlerts } from './device-alerts.ts'
import { DeviceLog, forkedLogs } from './device-log.ts'
import { DeviceMetrics } from './device-metrics.ts'
import { stopTimeoutMs } from './limits.ts'
import { makeActivator } from './make-activator.ts'
import { memberHere } from './member-here.ts'
import { startAccess } from './start-access.ts'

export interface RunningDaemon {
  readonly peer: MeshPeer
  stop(): Promise<void>
}

/** Starts all parts; if one fails, stops the others and throws. */
async function startDaemon(settings: Settings, log: Logger): Promise<RunningDaemon> {
  const state = await openState(settings)
  const undo: (() => Promise<void>)[] = [() => state.database.close()]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) {
      await step().catch(error => log.warn({ reason: messageOf(error) }, 'a part did not stop cleanly'))
    }
  }
  try {
    const { certificate, envelope, bootstrap } = await memberHere(state, settings)
    const peer = await MeshPeer.make({
      fleet: certificate.fleet,
      certificate: envelope,
      settings: { ...settings, bootstrap: [...new Set([...settings.bootstrap, ...bootstrap])] },
      state,
      log,
    })
    undo.push(() => peer.stop())
    await peer.start()
    const pauseAt = process.env.THYMESH_PAUSE_AT
    let reporting: Device | undefined
    const deviceLog = await DeviceLog.start({ peer, state, log }, () => void reporting?.report())
    undo.push(async () => await deviceLog?.stop())
    const { activator, logs } = makeActivator({ peer, log }, { settings, pauseAt, activated: deviceLog?.activated })
    undo.push(await startLogs(peer, logs, settings, log))
    if (settings.cache !== false) undo.push(await startCache(peer, settings.store, settings.cache, log))
    undo.push(await startPage(peer, settings, log))
    const api = await DeviceApi.start(apiSockets(settings.state, settings.root), () => knownSite(peer), log)
    undo.push(async () => await api?.stop())
    const { own, clock } = state
    const name = () => peer.own.certificate.name
    const { directory, admission, state: fleet } = peer
    const gate = new RolloutGate(
      { directory, admission, state: fleet, own, clock, log },
      { name, site: () => peer.own.certificate.site },
    )
    await gate.start()
    undo.push(async () => gate.stop())
    const config = () => {
      const release = followed(peer.state.accepted, peer.own.certificate)
      const wanted = release && wantedConfig(release, name())
      return wanted && { policy: policyOf(wanted.policy), target: wanted.target }
    }
    const keeper = new Housekeeper(
      { store: peer.store, activator, config, log },
      { directory: activationDirectory(settings.state) },
    )
    keeper.start()
    undo.push(() => keeper.stop())
    const secrets = await startSecrets(peer, state, settings, await activator.running(), log)
    const parts = { peer, activator, keeper, gate, secrets, own, clock, log }
    const hostKey = hostKeyOf(state.identity.seed)
    const program = { version, from: ownOrigin() }
    const metrics = settings.metrics === false ? undefined : new DeviceMetrics({ peer, clock, log }, settings)
    const alerts = await DeviceAlerts.make(
      {
        ...{ peer, clock, log, table: state.database.table('alerts') },
        sample: () => metrics?.recorder.latest,
        report: () => void device.report(),
      },
      { hasUnits: settings.root === undefined },
    )
    const device: Device = new Device(parts, {
      extensions: () => [
        hostKeyExtension(hostKey.line),
        daemonExtension(program),
        ...(deviceLog?.extensions ?? []),
        alerts.extensions,
        forkedLogs(peer),
        metrics?.extensions ?? {},
      ],
      isMissedSoon: () => alerts.isMissedSoon,
    })
    reporting = device
    undo.push(() => device.stop())
    for (const part of [metrics, alerts]) {
      if (part === undefined) continue
      undo.push(() => part.stop())
      await part.start()
    }
    device.start()
    const access = await startAccess(peer, state, settings, { hostKey, audited: deviceLog?.audited }, log)
    undo.push(access.stop)
    const kept = { logs, metrics: metrics?.recorder, snapshots: access.snapshots }
    undo.push(await startDoor(peer, state, settings, kept, log))
    peer.pruner.addTopLevels(() => possibleTopLevels(peer, activator))
    peer.pruner.start()
    for (const watch of [new IdleCollector(), new BusyWatch()]) {
      watch.start()
      undo.push(async () => watch.stop())
    }
    log.info({ name: certificate.name, site: certificate.site, ...program }, `${certificate.role} started`)
    const listening = listeningProblem(settings.listen, peer.host.getMultiaddrs().map(String))
    for (const problem of [nameProblem(settings.join, certificate), listening]) {
      if (problem !== undefined) log.warn(problem)
    }
    return { peer, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/**
 * The running and the boot default system, both sides of an update, and every generation: the machine may go to any
 * of these.
 */
async function possibleTopLevels({ store }: MeshPeer, activator: Activator): Promise<string[]> {
  const last = await activator.last()
  const boots = last && (await activator.boots(last.target))
  const kept = await Promise.all(Object.values(profiles).map(profile => store.generations(profile)))
  const paths = [await activator.running(), boots, last?.new, last?.old, ...kept.flat().map(({ path }) => path)]
  return paths.filter(path => path !== undefined)
}

/** Installs what the start of the machine has not, and writes the program for the next start. */
async function startSecrets(
  peer: MeshPeer,
  state: PeerState,
  settings: Settings,
  running: string | undefined,
  log: Logger,
): Promise<SecretUpdates> {
  const fetch = async (hash: Uint8Array, signal?: AbortSignal) => {
    const bytes = (await peer.state.document(hash)) ?? (await peer.documents.fetch(hash, undefined, signal))
    // Stored for neighbours of the same config.
    await peer.state.keepDocument(bytes)
    return bytes
  }
  const secrets = new DeviceSecrets({ fetch, identities: () => state.age.identities }, settings)
  if (settings.root === undefined) await writeBootProgram(settings.state)
  if (!(await areInstalled(settings.root))) {
    await secrets.installFor(running).catch(error => log.error({ reason: messageOf(error) }, 'no secrets'))
  }
  return new SecretUpdates({ secrets, log }, { rooted: settings.root !== undefined })
}

/**
 * Serves this device's logs to controllers. A device with its own root has no journal: the machine's belongs to
 * others.
 */
async function startLogs(
  peer: MeshPeer,
  activations: ActivationLogs,
  settings: Settings,
  log: Logger,
): Promise<() => Promise<void>> {
  const { host, names, admission, history, identity } = peer
  const journal = settings.root === undefined ? { journal: readJournal } : {}
  const activation = (hash: string) => activations.read(hash)
  const logs = new LogService({ host, names, admission, history, activation, ...journal, peer: identity.peerId, log })
  await logs.start()
  return () => logs.stop()
}

/** Takes in bundles, writes outboxes and tells facts for commands of this machine. */
async function startDoor(
  peer: MeshPeer,
  { clock }: PeerState,
  settings: Settings,
  kept: Pick<OutboxComponents, 'snapshots'> & { logs: ActivationLogs; metrics: Recorder | undefined },
  log: Logger,
) {
  const { state, directory, closures, equivocation, shelf, swarms, store, own } = peer
  const wanted = () => {
    const release = followed(state.accepted, own.certificate)
    return release && wantedConfig(release, own.certificate.name)
  }
  const lacks = async () => {
    const topLevel = wanted()?.topLevel
    return topLevel !== undefined && !(await store.isValid(topLevel))
  }
  const keep = async (signal: AbortSignal) => {
    const config = wanted()
    return config !== undefined && (await stageIncomplete({ closures, swarms, store }, config, signal))
  }
  const components = {
    state,
    directory,
    closures,
    equivocation,
    shelf,
    swarms,
    clock,
    lacks,
    keep,
    scratch: settings.state,
    log,
  }
  // For the units of sticks.
  if (settings.root === undefined) {
    await writeOwnProgram(join(settings.state, 'bin', 'thymesh'), 'Runs Thymesh as the daemon does', [])
  }
  const { fleet, identity, history } = peer
  const writing = { fleet, identity, directory, history, ...kept, clock }
  const feed: DoorWork['feed'] = (path, init) => feedBundle(components, path, init)
  const outbox: DoorWork['outbox'] = async path => {
    return { device: own.certificate.name, bytes: await writeOutbox(writing, path) }
  }
  const facts: DoorWork['facts'] = (device = own.certificate.name) => factsOf(peer, device, clock.now)
  const peers = () => lookAtPeers(peer)
  const network = () => checkNetwork(peer, settings)
  const door = await BundleDoor.start(settings.state, { feed, outbox, facts, peers, network }, log)
  return async () => await door?.stop()
}

/** The page for a technician: what this peer knows of its own site. */
async function startPage(peer: MeshPeer, settings: Settings, log: Logger): Promise<() => Promise<void>> {
  if (settings.page === false) return async () => {}
  const { port, lan } = settings.page
  const shown = () => knownSite(peer)
  try {
    const { PageDoor, pagePin } = await import('../page/page-door.ts')
    const door = await PageDoor.start({ port, pin: lan ? await pagePin(settings.state) : undefined, shown })
    log.info({ port: door.port, lan }, 'the page of the site is up')
    return () => door.stop()
  } catch (thrown) {
    log.warn({ port, reason: messageOf(thrown) }, 'no page of the site: set another port for it, or turn it off')
    return async () => {}
  }
}

/** Starts the loopback cache; an occupied port must not stop updates. Resolves to a function that stops it. */
async function startCache(
  peer: MeshPeer,
  root: string | undefined,
  init: { port: number; priority: number },
  log: Logger,
): Promise<() => Promise<void>> {
  const source = new StoreCacheSource({
    store: peer.store,
    described: peer.closures.described,
    descriptors: new ReleasedDescriptors({ closures: peer.closures, log }),
    mesh: new MeshNars({ closures: peer.closures, swarms: peer.swarms }),
    hashParts: new HashParts(`${root ?? ''}${storeDir}`),
    damaged: peer.damaged,
    log,
  })
  const cache = new BinaryCache({ source, log }, init)
  try {
    await cache.start()
    log.info({ url: cache.url }, 'the binary cache is up')
  } catch (thrown) {
    log.warn({ port: init.port, reason: messageOf(thrown) }, 'no binary cache: set another port for it, or turn it off')
  }
  return async () => {
    await cache.stop()
    await source.stop()
  }
}

/** Runs the daemon until a signal; resolves to the exit code. */
export async function runDaemon(settings: Settings): Promise<number> {
  const log = makeLogger(settings.log)
  // Settings of our own allocator, which has read them already: child processes must not inherit them.
  for (const name of Object.keys(process.env)) if (name.startsWith('MALLOC_')) delete process.env[name]
  process.on('uncaughtException', error => {
    log.fatal({ reason: messageOf(error), stack: error.stack }, 'an unhandled error')
    process.exit(70)
  })
  const ended = Promise.withResolvers<NodeJS.Signals>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve(signal))
  const daemon = await startDaemon(settings, log)
  const signal = await ended.promise
  log.info({ signal }, 'stopping')
  // A part that hangs must not delay the machine's shutdown.
  setTimeout(() => process.exit(1), stopTimeoutMs * 2).unref()
  await daemon.stop()
  log.info('stopped')
  return 0
}
