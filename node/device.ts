/** A device's life: follow the release, fetch what it wants, activate it, and say in signed reports how it went. */

import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { seal } from '../protocol/dsse.ts'
import { messageOf, ThymeshError } from '../protocol/errors.ts'
import { timeText } from '../protocol/fields.ts'
import { type Release, type ReleasedConfig, wantedConfig } from '../protocol/release.ts'
import { type DeviceState, type Freshness, type Report, reportKind } from '../protocol/report.ts'
import { rolloutDefaults } from '../protocol/rollout-policy.ts'
import { contentVersion } from '../protocol/waves.ts'
import { ActivationError, type Activator } from './activation/activator.ts'
import { progressIntervalMs, reportIntervalMs, updateRetryFirstMs, updateRetryLastMs } from './defaults.ts'
import { shortened, updateOf } from './device-report.ts'
import type { Logger } from './log.ts'
import type { MeshPeer } from './mesh/mesh-peer.ts'
import type { RolloutGate } from './rollout/gate.ts'
import type { Clock } from './state/clock.ts'
import type { OwnState } from './state/own.ts'
import { type FetchedClosure, fetchClosure } from './swarm/closure-fetch.ts'
import type { Progress } from './swarm/progress.ts'

export interface DeviceComponents {
  peer: MeshPeer
  activator: Activator
  /** Says when it is this device's turn; without one it always is. */
  gate?: Pick<RolloutGate, 'pass'>
  own: OwnState
  clock: Clock
  log: Logger
}

type Status = Pick<
  Report,
  'state' | 'config' | 'release' | 'wanted' | 'running' | 'since' | 'turn' | 'error' | 'update'
>

export class Device {
  readonly #components: DeviceComponents
  readonly #name: string
  readonly #stop = new AbortController()
  /** Ends the update in progress when a release wants something else. */
  #superseded = new AbortController()
  #updatingTo: string | undefined
  #wake = Promise.withResolvers<void>()
  #status: Status = { state: 'waiting' }
  #reporting: Promise<void> = Promise.resolve()
  #lastReport = 0
  #loop: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(components: DeviceComponents, init: { name: string }) {
    this.#components = components
    this.#name = init.name
  }

  start(): void {
    const { peer } = this.#components
    peer.state.on('changed', () => this.#changed())
    peer.notes.on('changed', () => {
      this.#changed()
      void this.#report()
    })
    // A new peer may bring what the last attempt lacked. What it has not heard of us, sync tells it.
    peer.admission.on('admitted', () => this.#wake.resolve())
    this.#timer = setInterval(() => void this.#report(), reportIntervalMs)
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort(new Error('the daemon stops'))
    this.#superseded.abort(new Error('the daemon stops'))
    this.#wake.resolve()
    await this.#loop
    await this.#reporting
  }

  #changed(): void {
    const release = this.#components.peer.state.belief?.release
    const wanted = release && wantedConfig(release, this.#name)?.topLevel
    // Of two releases that contradict each other neither is fetched on.
    if (this.#components.peer.notes.held) this.#superseded.abort(new Error('updates are held'))
    // A release that wants what is being fetched already needs no fresh start.
    if (wanted !== this.#updatingTo) this.#superseded.abort(new Error('a newer release came'))
    this.#wake.resolve()
  }

  async #run(): Promise<void> {
    let retryMs = updateRetryFirstMs
    while (!this.#stop.signal.aborted) {
      this.#wake = Promise.withResolvers()
      this.#superseded = new AbortController()
      const release = this.#components.peer.state.belief?.release
      const outcome = release === undefined ? 'settled' : await this.#tryToFollow(release)
      if (outcome === 'again') continue
      if (outcome === 'settled') retryMs = updateRetryFirstMs
      const pause = outcome === 'settled' ? undefined : retryMs
      if (outcome === 'retry') retryMs = Math.min(updateRetryLastMs, retryMs * 2)
      await this.#pause(pause)
    }
  }

  /** Until something changes, or for a time. */
  async #pause(milliseconds: number | undefined): Promise<void> {
    const woken = this.#wake.promise
    if (milliseconds === undefined) return await woken
    const timer = new AbortController()
    await Promise.race([woken, sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  }

  /** A device goes on whatever happens: what fails outside of an update is tried again, too. */
  async #tryToFollow(release: Release): Promise<'settled' | 'retry' | 'again'> {
    try {
      return await this.#follow(release)
    } catch (thrown) {
      this.#components.log.error(
        { release: release.version, reason: messageOf(thrown) },
        'the release was not followed',
      )
      return 'retry'
    } finally {
      this.#updatingTo = undefined
    }
  }

  /** `settled`: nothing to do until news come. `retry`: what failed may work later. `again`: there is news already. */
  async #follow(release: Release): Promise<'settled' | 'retry' | 'again'> {
    const { activator, own, log } = this.#components
    const wanted = wantedConfig(release, this.#name)
    const running = await activator.running()
    if (wanted === undefined) {
      await this.#settle({ state: running === undefined ? 'waiting' : 'running', running })
      return 'settled'
    }
    if (running === wanted.topLevel) {
      const before = await own.running()
      const since = before?.topLevel === running ? before.since : undefined
      const noted = { config: wanted.name, release: release.version, ...(since && { since }) }
      if (before?.release !== release.version) await own.setRunning({ ...noted, topLevel: wanted.topLevel })
      await this.#settle({ state: 'running', ...noted, running })
      return 'settled'
    }
    const failed = await own.failed()
    // A promoted release is the one that failed: it isn't tried again either.
    const isThis = failed !== undefined && failed.release >= contentVersion(release)
    if (isThis && failed.topLevel === wanted.topLevel) {
      await this.#fail(release, running, new ThymeshError(failed.code, failed.message))
      return 'settled'
    }
    if (this.#components.peer.notes.held) {
      const what = 'two different documents of one version are signed: nothing is installed before a newer one comes'
      await this.#fail(release, running, new ThymeshError('equivocation', what))
      return 'settled'
    }
    const { signal } = this.#superseded
    this.#updatingTo = wanted.topLevel
    try {
      await this.#update(release, wanted, signal)
      return 'again'
    } catch (thrown) {
      if (this.#stop.signal.aborted) return 'settled'
      if (signal.aborted) return 'again'
      const final = thrown instanceof ActivationError
      log.error({ release: release.version, reason: messageOf(thrown), final }, 'the update failed')
      if (final) {
        await own.setFailed({
          release: release.version,
          topLevel: wanted.topLevel,
          code: thrown.code,
          message: thrown.message,
        })
      }
      await this.#fail(release, running, thrown)
      return final ? 'settled' : 'retry'
    }
  }

  async #update(release: Release, wanted: ReleasedConfig & { name: string }, signal: AbortSignal): Promise<void> {
    const { peer, activator, gate, own, clock, log } = this.#components
    const began = Date.now()
    const base = { wanted: release.version, config: wanted.name, ...(await this.#current()) }
    const tell = (state: DeviceState, progress: Progress | undefined, now: boolean) => {
      const update = updateOf(release.version, began, progress)
      this.#status = { ...base, state, update }
      if (!now && Date.now() - this.#lastReport < progressIntervalMs) return
      if (!now) log.info({ ...update, secondsLeft: progress?.secondsLeft }, 'fetching')
      void this.#report()
    }
    log.info({ release: release.version, config: wanted.name, topLevel: wanted.topLevel }, 'the update begins')
    tell('fetching', undefined, true)
    const pass = async (progress?: Progress) =>
      await gate?.pass(signal, (turn, isNews) => {
        const update = updateOf(release.version, began, progress)
        this.#status = { ...base, state: base.running === undefined ? 'waiting' : 'running', turn, update }
        if (isNews) void this.#report()
      })
    if (!(release.rollout?.prefetch ?? rolloutDefaults.prefetch)) await pass()
    const known = await peer.closures.get(wanted, signal)
    const onProgress = (progress: Progress) => tell('fetching', progress, false)
    const fetched = await fetchClosure(peer.fetchComponents, known, { signal, onProgress })
    const ready = async () => {
      await pass(fetched.progress)
      tell('activating', fetched.progress, true)
    }
    await this.#activate(release, wanted, fetched, ready)
    const noted = { release: release.version, config: wanted.name, ...(clock.now && { since: timeText(clock.now) }) }
    await own.setRunning({ ...noted, topLevel: wanted.topLevel })
    const update = updateOf(release.version, began, fetched.progress)
    log.info({ release: release.version, ...update }, 'the update is done')
    const running = await activator.running()
    this.#status = { state: 'running', ...noted, running, update }
    await this.#report()
  }

  async #activate(
    release: Release,
    wanted: ReleasedConfig,
    fetched: FetchedClosure,
    ready: () => Promise<void>,
  ): Promise<void> {
    const { activator, log } = this.#components
    try {
      await ready()
      log.info({ release: release.version, topLevel: wanted.topLevel }, 'activating')
      await activator.activate(wanted.target, wanted.topLevel)
    } finally {
      await fetched.release()
    }
  }

  /** What runs now, by the machine, and the release it came with, by our own notes. */
  async #current(): Promise<Pick<Status, 'running' | 'release'>> {
    const running = await this.#components.activator.running()
    const noted = await this.#components.own.running()
    return { ...(running && { running }), ...(noted?.topLevel === running && noted && { release: noted.release }) }
  }

  /** Tells the status, unless it is what was told last. */
  async #settle(status: Status): Promise<void> {
    const update = this.#status.update?.release === status.release ? this.#status.update : undefined
    const next: Status = { ...status, ...(update && { update }) }
    const told = this.#lastReport > 0 && isDeepStrictEqual(next, this.#status)
    this.#status = next
    if (!told) await this.#report()
  }

  async #fail(release: Release, running: string | undefined, thrown: unknown): Promise<void> {
    const code = thrown instanceof ThymeshError ? thrown.code : 'failed'
    const message = shortened(messageOf(thrown))
    const config = wantedConfig(release, this.#name)?.name
    const current = await this.#current()
    this.#status = { ...current, state: 'failed', config, wanted: release.version, error: { code, message }, running }
    await this.#report()
  }

  /** Signs the status as a report, keeps it and tells the mesh; one at a time, so that counters rise in order. */
  #report(): Promise<void> {
    this.#lastReport = Date.now()
    this.#reporting = this.#reporting
      .then(() => this.#writeReport())
      .catch(error => {
        this.#components.log.error({ reason: messageOf(error) }, 'a report could not be written')
      })
    return this.#reporting
  }

  async #writeReport(): Promise<void> {
    const { peer, own, clock } = this.#components
    const report: Report = {
      v: 1,
      fleet: peer.fleet,
      peer: peer.identity.peerId,
      counter: await own.nextReportCounter(peer.directory.report(peer.identity.peerId)?.document.counter),
      freshness: this.#freshness(),
      ...peer.notes.fields,
      ...(clock.now && { at: timeText(clock.now) }),
      ...this.#status,
    }
    const envelope = seal(reportKind, report, peer.identity.signer)
    if ((await peer.directory.addReport(envelope)) !== 'unknown-member') peer.gossip.publishReport(envelope)
  }

  #freshness(): Freshness {
    const { peer, clock } = this.#components
    const timestamp = peer.state.belief?.trusted.timestamp?.signed
    if (clock.now === undefined || timestamp === undefined) return 'unknown'
    return timestamp.isExpired(clock.now) ? 'expired' : 'fresh'
  }
}
