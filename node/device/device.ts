/** A device's main loop: follows the release, fetches and activates its config, and reports the outcome. */

import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Target, timeText } from '../../protocol/encoding/fields.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { type Release, type ReleasedConfig, wantedConfig } from '../../protocol/release/release.ts'
import { rolloutDefaults } from '../../protocol/release/rollout-policy.ts'
import { policyOf } from '../../protocol/release/update-policy.ts'
import type { DeviceState, ReportedTurn } from '../../protocol/report/report.ts'
import type { Activator } from '../activation/activator.ts'
import type { Housekeeper } from '../activation/housekeeper.ts'
import { finalStates, type JournalEntry } from '../activation/journal-entry.ts'
import { pause } from '../concurrency/pause.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { BootWait, RolloutGate } from '../rollout/gate.ts'
import type { SecretUpdates } from '../secrets/secret-updates.ts'
import type { Clock } from '../state/clock.ts'
import type { OwnState } from '../state/own-state.ts'
import { followed } from '../state/releases.ts'
import { fetchClosure } from '../swarm/fetch/closure-fetch.ts'
import type { Progress } from '../swarm/fetch/progress.ts'
import {
  activationStatus,
  currentOf,
  failureOf,
  lacksPeers,
  noteRunning,
  type Status,
  updateOf,
  withoutReleases,
} from './device-report.ts'
import { LatePeers } from './late-peers.ts'
import { updateRetryFirstMs, updateRetryLastMs } from './limits.ts'
import { hasFailedBefore, refusalOf } from './refusal.ts'
import { type ByTheWay, Reporter } from './reporter.ts'

export interface DeviceComponents {
  peer: MeshPeer
  activator: Pick<Activator, keyof Activator>
  /** Collects garbage when an update needs space. */
  keeper?: Pick<Housekeeper, 'sweep'>
  /** Waits for this device's turn; without it, updates begin at once. */
  gate?: Pick<RolloutGate, 'pass' | 'isAwaited'>
  secrets?: Pick<SecretUpdates, 'newIn' | 'follow' | 'take' | 'installNext' | 'restore' | 'settle'>
  own: OwnState
  clock: Clock
  log: Logger
}

export class Device {
  readonly #components: DeviceComponents
  readonly #stop = new AbortController()
  /** Aborts the update in progress when a release supersedes it. */
  #superseded = new AbortController()
  #updatingTo: string | undefined
  #wake = Promise.withResolvers<void>()
  #status: Status = { state: 'waiting' }
  /** Why the update that waits will reboot the device. */
  #awaitsReboot: string | undefined
  /** The source of the status's release: a site, or undefined for the fleet. */
  #site: string | undefined
  readonly #reporter: Reporter
  readonly #late = new LatePeers()
  #loop: Promise<void> | undefined
  #hasResumed = false

  constructor(components: DeviceComponents, init: ByTheWay = {}) {
    this.#components = components
    this.#reporter = new Reporter(components, {
      status: () => ({ status: this.#status, site: this.#site, awaitsReboot: this.#awaitsReboot }),
      isAwaited: () => components.gate?.isAwaited ?? false,
      ...init,
    })
  }

  start(): void {
    const { peer } = this.#components
    peer.state.on('changed', () => this.#changed())
    peer.own.on('renewed', () => this.#changed())
    peer.meshStatus.on('changed', () => {
      this.#changed()
      void this.#reporter.report()
    })
    // A new peer may have what the last attempt lacked; sync sends it our reports.
    peer.admission.on('admitted', () => this.#wake.resolve())
    peer.shelf.on('attached', () => this.#wake.resolve())
    this.#reporter.start()
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    for (const each of [this.#stop, this.#superseded]) each.abort(new Error('the daemon stops'))
    this.#wake.resolve()
    await this.#loop
    await this.#reporter.stop()
  }

  /** Reports now, though its own state is as it was. */
  readonly report = (): Promise<void> => this.#reporter.report()

  get #name(): string {
    return this.#components.peer.own.certificate.name
  }

  /** The release that applies to this device, by the site in its certificate. */
  get #followed(): Release | undefined {
    return followed(this.#components.peer.state.accepted, this.#components.peer.own.certificate)
  }

  #changed(): void {
    const release = this.#followed
    const wanted = release && wantedConfig(release, this.#name)?.topLevel
    // After an equivocation, neither release is fetched.
    if (this.#components.peer.meshStatus.held) this.#superseded.abort(new Error('updates are held'))
    // A new release with the same config doesn't restart the fetch.
    if (wanted !== this.#updatingTo || release?.site !== this.#site)
      this.#superseded.abort(new Error('a newer release supersedes this one'))
    this.#wake.resolve()
  }

  async #run(): Promise<void> {
    let retryMs = updateRetryFirstMs
    while (!this.#stop.signal.aborted) {
      await this.#resume()
      // Told meanwhile, it has woken nobody.
      if (this.#stop.signal.aborted) return
      this.#wake = Promise.withResolvers()
      this.#superseded = new AbortController()
      const release = this.#followed
      const outcome = release === undefined ? 'settled' : await this.#tryToFollow(release)
      if (outcome === 'again') continue
      if (outcome === 'settled') retryMs = updateRetryFirstMs
      await pause(this.#wake.promise, outcome === 'settled' ? undefined : retryMs)
      if (outcome === 'retry') retryMs = Math.min(updateRetryLastMs, retryMs * 2)
    }
  }

  /** Resumes an update that a crash, a reboot or a restart of the daemon interrupted, before a new one begins. */
  async #resume(): Promise<void> {
    const { activator, log } = this.#components
    while (!this.#stop.signal.aborted) {
      try {
        const before = await activator.last()
        if (this.#hasResumed && (before === undefined || finalStates.has(before.state))) return
        this.#updatingTo = before?.new
        this.#site = before?.site ?? this.#site
        this.#superseded = new AbortController()
        // A release received before the daemon ended also ends a hold.
        if (this.#components.peer.state.accepted !== undefined) this.#changed()
        const end = await activator.resume(this.#activateOptions({ wanted: before?.release, config: before?.config }))
        if (end !== undefined && end.state !== before?.state) await this.#ended(end)
        this.#hasResumed = true
        return
      } catch (thrown) {
        if (this.#stop.signal.aborted) return
        log.error({ reason: messageOf(thrown) }, 'an interrupted update could not be resumed')
        await sleep(updateRetryFirstMs, undefined, { signal: this.#stop.signal }).catch(() => {})
      } finally {
        this.#updatingTo = undefined
      }
    }
  }

  /** How the activator reports its state, and what aborts its waiting. */
  #activateOptions(base: Partial<Status>) {
    return {
      signal: this.#stop.signal,
      superseded: this.#superseded.signal,
      onState: async (entry: JournalEntry) => {
        if (entry.state === 'rolling-back') await this.#components.secrets?.restore()
        void this.#current(entry.target).then(current => {
          this.#status = { ...base, ...current, ...activationStatus(entry) }
          return this.#reporter.report()
        })
      },
    }
  }

  /** Records and reports the outcome of an update. */
  async #ended(entry: JournalEntry, update = this.#status.update): Promise<void> {
    const { activator, secrets, own, clock, log } = this.#components
    const { release, config, site } = entry
    await secrets?.settle(await activator.running())
    if (entry.state === 'committed') {
      const since = clock.now && timeText(clock.now)
      await own.setRunning({ release, config, topLevel: entry.new, ...(since && { since }), ...(site && { site }) })
    }
    log.info({ release, state: entry.state, code: entry.code }, 'the update has ended')
    const wanted = entry.state === 'committed' ? {} : { wanted: release }
    const current = await this.#current(entry.target)
    this.#status = { config, ...wanted, ...current, ...activationStatus(entry), ...(update && { update }) }
    await this.#reporter.report()
  }

  /** Never rejects: errors outside of an update are retried too. */
  async #tryToFollow(release: Release): Promise<'settled' | 'retry' | 'again'> {
    if (release.site !== this.#site) {
      this.#site = release.site
      this.#status = withoutReleases(this.#status)
    }
    try {
      return await this.#follow(release)
    } catch (thrown) {
      this.#components.log.error({ release: release.version, reason: messageOf(thrown) }, 'a release was not followed')
      return 'retry'
    } finally {
      this.#updatingTo = undefined
    }
  }

  /** `settled`: wait for a change. `retry`: a temporary failure. `again`: something has changed already. */
  async #follow(release: Release): Promise<'settled' | 'retry' | 'again'> {
    const { activator, own, log } = this.#components
    const wanted = wantedConfig(release, this.#name)
    const running = await activator.running()
    const refusal = await refusalOf(this.#components, release, this.#name, running)
    if (refusal !== undefined) {
      if (this.#late.isToBeReported(release.version, refusal)) await this.#refuse(release, running, refusal)
      return lacksPeers(refusal) ? 'retry' : 'settled'
    }
    if (wanted === undefined) {
      await this.#settle({ state: running === undefined ? 'waiting' : 'running', running })
      return 'settled'
    }
    const last = await activator.last()
    if (running === wanted.topLevel && (await this.#hasSecrets(release, wanted))) {
      const noted = await noteRunning(own, release, wanted)
      const health = last?.state === 'committed' && last.new === running ? last.health : undefined
      const current = await this.#current(wanted.target)
      await this.#settle({ state: 'running', ...current, ...noted, ...(health && { health }) })
      return 'settled'
    }
    if (running === wanted.topLevel) return 'retry'
    if (last !== undefined && hasFailedBefore(last, release, wanted)) {
      const current = await this.#current(wanted.target)
      await this.#settle({ config: wanted.name, wanted: release.version, ...current, ...activationStatus(last) })
      return 'settled'
    }
    if (this.#components.peer.meshStatus.held) {
      const what = 'two different documents of one version are signed: nothing is installed until a newer one comes'
      await this.#fail(release, running, new ThymeshError('equivocation', what))
      return 'settled'
    }
    const { signal } = this.#superseded
    this.#updatingTo = wanted.topLevel
    try {
      const { state } = await this.#update(release, wanted, signal)
      return state === 'interrupted' ? 'retry' : 'again'
    } catch (thrown) {
      if (this.#stop.signal.aborted) return 'settled'
      if (signal.aborted) return 'again'
      log.error({ release: release.version, reason: messageOf(thrown) }, 'the update failed')
      // Before it has ended the old system may come back, with its own secrets.
      const { state = 'failed' } = (await activator.last()) ?? {}
      if (finalStates.has(state)) await this.#components.secrets?.settle(await activator.running())
      if (this.#late.isToBeReported(release.version, thrown)) await this.#fail(release, running, thrown)
      return 'retry'
    }
  }

  /** Reports a refusal once: the same one is no news. */
  async #refuse(release: Release, running: string | undefined, thrown: unknown): Promise<void> {
    const { wanted, error } = this.#status
    if (wanted === release.version && isDeepStrictEqual(error, failureOf(thrown))) return
    this.#components.log.error({ release: release.version, reason: messageOf(thrown) }, 'a release is not acted on')
    await this.#fail(release, running, thrown)
  }

  /** Whether the running system has its secrets; reports the reason if it hasn't. */
  async #hasSecrets(release: Release, wanted: ReleasedConfig): Promise<boolean> {
    const thrown = await this.#components.secrets?.follow(wanted, this.#superseded.signal)
    if (thrown !== undefined) await this.#fail(release, wanted.topLevel, thrown)
    return thrown === undefined
  }

  async #update(release: Release, wanted: ReleasedConfig & { name: string }, signal: AbortSignal) {
    const { peer, activator, gate, keeper, secrets, log } = this.#components
    const began = Date.now()
    // Keeps the last error until an attempt succeeds.
    const { error } = this.#status.wanted === release.version ? this.#status : {}
    const base = { wanted: release.version, config: wanted.name, ...(await this.#current(wanted.target)) }
    const tell = (state: DeviceState, progress: Progress | undefined, now: boolean) => {
      const update = updateOf(release.version, began, progress)
      this.#status = { ...base, ...(error && { error }), state, update }
      if (!now && !this.#reporter.progressIsDue) return
      if (!now) log.info(update, 'fetching')
      void this.#reporter.report()
    }
    log.info({ release: release.version, config: wanted.name, topLevel: wanted.topLevel }, 'the update begins')
    tell('fetching', undefined, true)
    const pass = async (progress?: Progress, boot?: BootWait) => {
      const onWait = (turn: ReportedTurn, isNews: boolean) => {
        const update = updateOf(release.version, began, progress)
        this.#status = { ...base, state: base.running === undefined ? 'waiting' : 'running', turn, update }
        this.#awaitsReboot = boot?.reason
        if (isNews) void this.#reporter.report()
      }
      await gate?.pass(signal, onWait, boot).finally(() => {
        this.#awaitsReboot = undefined
      })
    }
    if (!(release.rollout?.prefetch ?? rolloutDefaults.prefetch)) await pass()
    const known = await peer.closures.get(wanted, signal)
    const fetched = await fetchClosure(peer.fetchComponents, known, {
      signal,
      onProgress: (progress: Progress) => tell('fetching', progress, false),
      reserveBytes: policyOf(wanted.policy).disk.reserveBytes,
      ...(keeper && { makeRoom: () => keeper.sweep() }),
    })
    try {
      await activator.requireNeeds(wanted)
      await secrets?.take(wanted, signal)
      const wantedSystem = { ...wanted, release: release.version, site: release.site, config: wanted.name }
      const reason = await activator.bootReason(wantedSystem)
      await pass(fetched.progress, reason === undefined ? undefined : { reason })
      // What is booted installs its own: the old system runs with its secrets up to the reboot.
      if (reason === undefined) await secrets?.installNext()
      tell('preflight', fetched.progress, true)
      const update = () => updateOf(release.version, began, fetched.progress)
      const end = await activator.activate(wantedSystem, this.#activateOptions({ ...base, update: update() }))
      log.info(update(), 'the update is done')
      await this.#ended(end, update())
      return end
    } finally {
      await fetched.release()
    }
  }

  readonly #current = (target: Target) => currentOf(this.#components, target, this.#site)

  /** Reports the status, unless it is the last reported one. */
  async #settle(status: Status): Promise<void> {
    const { update } = this.#status
    const next: Status = { ...status, ...(update && update.release === status.release && { update }) }
    const told = this.#reporter.hasReported && isDeepStrictEqual(next, this.#status)
    this.#status = next
    if (!told) await this.#reporter.report()
  }

  async #fail(release: Release, running: string | undefined, thrown: unknown): Promise<void> {
    const error = failureOf(thrown)
    const wanted = wantedConfig(release, this.#name)
    const current = await this.#current(wanted?.target ?? 'portable')
    this.#status = { ...current, state: 'failed', config: wanted?.name, wanted: release.version, error, running }
    await this.#reporter.report()
  }
}
