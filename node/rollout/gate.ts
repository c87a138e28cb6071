/** Delays an activation until the device's wave may begin and a maintenance window is open. */

import { EventEmitter, once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { timeText } from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { type Release, wantedConfig } from '../../protocol/release/release.ts'
import type { Report, ReportedTurn } from '../../protocol/report/report.ts'
import type { Directory } from '../mesh/exchange/directory.ts'
import { gossipedMembers } from '../mesh/limits.ts'
import type { Admission } from '../mesh/peers/admission.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { FleetState } from '../state/fleet-state.ts'
import type { OwnState } from '../state/own-state.ts'
import { followed, inForce } from '../state/releases.ts'
import { awaitsDevices } from './awaited.ts'
import { decide, type Memory } from './decide.ts'
import { type Decision, inWords } from './decision.ts'
import type { DeviceStatus } from './evaluate-waves.ts'
import { newsOf } from './news.ts'
import { SteadyClock } from './steady-clock.ts'
import { windowState } from './windows.ts'

export interface RolloutGateComponents {
  directory: Pick<Directory, 'members' | 'member' | 'on' | 'off'>
  admission: Pick<Admission, 'members' | 'on' | 'off'>
  state: Pick<FleetState, 'accepted' | 'on' | 'off'>
  own: Pick<OwnState, 'steady' | 'setSteady' | 'rollout' | 'setRollout'>
  clock: Pick<Clock, 'now'>
  log: Logger
}

/** An update that reboots the device, and why. */
export interface BootWait {
  readonly reason: string
}

interface Events {
  /** The decision may have changed. */
  changed: []
}

/** Reports come in bursts: they are evaluated together. */
const quietMs = 200
/**
 * The interval of evaluations without new reports: for the displayed time left, and for windows after a clock change.
 */
const lookAgainMs = 60_000
/** How much of the record of when others were heard of a restart may lose. */
const keepHeardMs = 60_000

export class RolloutGate extends EventEmitter<Events> {
  readonly #components: RolloutGateComponents
  readonly #ownName: () => string
  readonly #site: () => string | undefined
  /** When each peer was last heard of, on the steady clock. */
  readonly #heard = new Map<string, number>()
  #steady: SteadyClock | undefined
  #timer: NodeJS.Timeout | undefined
  #due = 0
  #reason = ''

  constructor(components: RolloutGateComponents, init: { name: () => string; site?: () => string | undefined }) {
    super()
    this.#components = components
    this.#ownName = init.name
    this.#site = init.site ?? (() => undefined)
  }

  /** As its certificate says now: a controller may give it another. */
  get #name(): string {
    return this.#ownName()
  }

  async start(): Promise<void> {
    const { directory, admission, own, state } = this.#components
    this.#steady = await SteadyClock.load(own)
    state.on('changed', this.#onNews)
    directory.on('report', this.#onReport)
    directory.on('certificate', this.#onNews)
    admission.on('admitted', this.#onNews)
  }

  stop(): void {
    const { directory, admission, state } = this.#components
    state.off('changed', this.#onNews)
    directory.off('report', this.#onReport)
    directory.off('certificate', this.#onNews)
    admission.off('admitted', this.#onNews)
    clearTimeout(this.#timer)
  }

  /**
   * Resolves when the device may begin with the newest release's config; a promotion takes effect at once. Reports
   * each reason to wait, and whether it is new to others, who derive counts and times themselves. Rejects when the
   * signal aborts.
   */
  async pass(
    signal: AbortSignal,
    onWait: (turn: ReportedTurn, isNews: boolean) => void,
    boot?: BootWait,
  ): Promise<void> {
    const { state } = this.#components
    let told: string | undefined
    for (;;) {
      signal.throwIfAborted()
      const cleanUp = new AbortController()
      const changed = once(this, 'changed', { signal: AbortSignal.any([signal, cleanUp.signal]) })
      changed.catch(() => {})
      try {
        const release = followed(state.accepted, { name: this.#name, site: this.#site() })
        const decision = release && (await this.check(release, boot))
        if (release === undefined || decision === undefined || decision.is === 'open') return
        const gist = gistOf(decision, release)
        onWait(turnOf(release, decision), gist !== told)
        told = gist
        await changed
      } finally {
        cleanUp.abort()
      }
    }
  }

  /**
   * Whether a device may go on alone because it doesn't hear of others: with such a policy, until all that we know of
   * have ended with the release.
   */
  get isAwaited(): boolean {
    const { directory, state } = this.#components
    const whole = followed(state.accepted, { name: this.#name, site: this.#site() })
    return whole !== undefined && awaitsDevices(whole, state.accepted, directory)
  }

  /** Decides whether it may begin now. If time may change that, `changed` is emitted then. */
  async check(whole: Release, boot?: BootWait): Promise<Decision> {
    const { directory, state, own, clock, log } = this.#components
    const release = inForce(whole, state.accepted, directory.members())
    const steady = this.#steady
    if (steady === undefined) throw new RangeError('expected the gate to be started')
    const before = await own.rollout()
    const now = { steady: steady.now, started: steady.started, ...(clock.now && { clock: clock.now }) }
    const made = decide({ release, self: this.#name, news: this.#news(release, steady.now), now, memory: before })
    await steady.keep()
    if (worthKeeping(before, made.memory)) await own.setRollout(made.memory)
    const decision = made.decision.is === 'open' ? this.#withWindows(release, made.decision, boot) : made.decision
    if (decision.reason !== this.#reason) {
      this.#reason = decision.reason
      log.info({ release: release.version, wave: decision.wave, is: decision.is }, `rollout: ${decision.reason}`)
    }
    if (decision.is !== 'open') {
      const wait = decision.is === 'waiting' ? (decision.milliseconds ?? lookAgainMs) : lookAgainMs
      this.#again(Math.min(wait, lookAgainMs))
    }
    return decision
  }

  #withWindows(release: Release, open: Decision, boot: BootWait | undefined): Decision {
    const wanted = wantedConfig(release, this.#name)
    const { now } = this.#components.clock
    const forReboots = boot && wanted?.reboot?.windows
    const state = windowState(forReboots ?? wanted?.policy?.windows ?? [], now)
    if (state.open || now === undefined) return open
    const milliseconds = state.opensAt && state.opensAt.getTime() - now.getTime()
    const opens = milliseconds === undefined ? 'never opens' : `opens in ${inWords(milliseconds)}`
    const at = state.opensAt === undefined ? '' : ` (${timeText(state.opensAt)})`
    const window = forReboots === undefined ? 'maintenance window' : 'window for reboots'
    return {
      is: 'waiting',
      wave: open.wave,
      reason: `${boot === undefined ? '' : `needs a reboot (${boot.reason}); `}the ${window} ${opens}${at}`,
      ...(milliseconds !== undefined && { milliseconds }),
    }
  }

  /** The known status of each device of the release. If two have one name, neither hides the other's failure. */
  #news(release: Release, now: number): Map<string, DeviceStatus> {
    const { directory, admission } = this.#components
    const connected = new Set(admission.members.map(({ peer }) => peer.toString()))
    return newsOf(release, directory.members(), peer => {
      const heardAt = connected.has(peer) ? now : this.#heard.get(peer)
      return { report: directory.member(peer)?.report, ...(heardAt !== undefined && { heardAt }) }
    })
  }

  readonly #onReport = ({ peer }: Report) => {
    if (this.#steady !== undefined) this.#heard.set(peer, this.#steady.now)
    this.#again(quietMs)
  }

  readonly #onNews = () => this.#again(quietMs)

  /** Schedules the next evaluation. Without a waiting update there are no listeners, and it costs nothing. */
  #again(milliseconds: number): void {
    const due = performance.now() + milliseconds
    if (this.listenerCount('changed') === 0 || (this.#timer !== undefined && this.#due <= due)) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.emit('changed')
    }, milliseconds)
  }
}

/**
 * The part of a decision that others can't derive from reports. Which wave is waited for, and whether it soaks, they can: in a
 * small fleet it is told nevertheless, in a large one thousands of devices would say so at the same time.
 */
function gistOf(decision: Decision, release: Release): string {
  const { waitsFor, milliseconds } = decision.is === 'waiting' ? decision : {}
  const isLarge = release.sharded !== undefined || Object.keys(release.devices).length > gossipedMembers
  if (isLarge && waitsFor !== undefined) return [decision.is, decision.wave, 'others'].join()
  return [decision.is, decision.wave, waitsFor?.wave, milliseconds !== undefined].join()
}

/** Whether a memory differs by more than some seconds. */
function worthKeeping(before: Memory | undefined, after: Memory): boolean {
  if (before === undefined || after.heard - before.heard > keepHeardMs) return true
  return !isDeepStrictEqual({ ...before, heard: 0 }, { ...after, heard: 0 })
}

/** A report's fields for a decision to wait. */
function turnOf({ version }: Release, { is, wave, reason }: Decision): ReportedTurn {
  return { release: version, wave, is: is === 'held' ? 'held' : 'waiting', reason: reason.slice(0, limits.turnReason) }
}
