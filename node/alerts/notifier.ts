/**
 * Tells channels of alerts, of this device and of others as their reports say. Of all peers that can send, the first in an order
 * that all compute alike sends; the others step in, one after the other, where none of its reports says that it has.
 */

import { EventEmitter } from 'node:events'
import {
  alertsIn,
  markOf,
  marksIn,
  maxMarks,
  type ReportedAlert,
  type Silence,
  silencesIn,
} from '../../protocol/alerts/reported.ts'
import { type AlertChannel, type AlertRule, alertsOf, rulesFor, selects } from '../../protocol/alerts/rules.ts'
import { messageOf } from '../../protocol/errors.ts'
import { isViewer, type Member } from '../../protocol/members/certificate.ts'
import type { Release } from '../../protocol/release/release.ts'
import type { ListedMember } from '../../protocol/report/gist.ts'
import type { Report } from '../../protocol/report/report.ts'
import type { Logger } from '../process/log.ts'
import { windowState } from '../rollout/windows.ts'
import type { AlertBook } from './alert-book.ts'
import {
  alertsPerMessage,
  devicesBeforeControllers,
  lateMs,
  messageGapMs,
  sendAgainFirstMs,
  sendAgainLastMs,
  stepInMs,
  waitingAlerts,
} from './limits.ts'
import type { Notice } from './message.ts'
import { placeAmong } from './order-of-senders.ts'
import type { SendInit } from './send.ts'

export interface NotifierComponents {
  readonly fleet: string
  readonly own: Pick<Member, 'peer' | 'name'>
  readonly directory: {
    members(): readonly (ListedMember & { readonly report?: { readonly hasAlerts: boolean } | undefined })[]
    member(peer: string): Member | undefined
    report(peer: string): { readonly document: Report } | undefined
  }
  /** The release that a device follows. */
  readonly releaseOf: (device: Member) => Release | undefined
  /** Whether a device of a name has been silent for so long that it sends nothing, by what is known now. */
  readonly silentNow: () => (name: string) => boolean
  readonly book: AlertBook
  /** For a controller: peer IDs of all controllers that send, its own among them. They come after the devices. */
  readonly controllers?: () => readonly string[]
  readonly clock: { readonly now: Date | undefined }
  /** Milliseconds of a steady clock. */
  readonly steady: () => number
  readonly send: (channel: AlertChannel, notices: readonly Notice[], init: SendInit) => Promise<void>
  readonly log: Logger
}

/** A message that waits for its turn. */
interface Waiting {
  readonly notice: Notice
  readonly channel: string
  readonly dueAt: number
}

interface ChannelState {
  sending: boolean
  failures: number
  nextAt: number
}

interface Events {
  /** Something was sent: a report must say so. */
  told: []
}

export class Notifier extends EventEmitter<Events> {
  readonly #components: NotifierComponents
  /** By mark. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #channels = new Map<string, ChannelState>()
  readonly #stop = new AbortController()
  /** What this device has sent, the oldest first, for its reports. */
  #marks: string[]

  /** `marks` are those of the last report, from before a restart. */
  constructor(components: NotifierComponents, marks: readonly string[]) {
    super()
    this.#components = components
    this.#marks = [...marks]
  }

  get marks(): readonly string[] {
    return this.#marks
  }

  stop(): void {
    this.#stop.abort(new Error('the daemon stops'))
  }

  /** Takes in what the reports of all devices say: after a start, and after a new release. Old ends are not told any more. */
  async takeAll(oldestEnd: number): Promise<void> {
    for (const report of this.#reports()) await this.take(report, oldestEnd)
  }

  /** The reports that say something of alerts. */
  *#reports(): Generator<Report> {
    const { directory } = this.#components
    for (const { peer, report } of directory.members()) {
      const document = report?.hasAlerts ? directory.report(peer)?.document : undefined
      if (document !== undefined) yield document
    }
  }

  /** Takes in what a report says: alerts of its device, and marks of what it has sent. */
  async take(report: Report, oldestEnd = 0): Promise<void> {
    const { directory, releaseOf, book } = this.#components
    const device = directory.member(report.peer)
    // Who can't send can't say that it has.
    if (this.#isSender(report)) await book.tell(marksIn(report))
    const release = device && releaseOf(device)
    if (device?.role !== 'device' || release === undefined) return
    const rules = new Map(rulesFor(release, device.name).map(rule => [rule.name, rule]))
    for (const alert of alertsIn(report)) {
      const rule = rules.get(alert.rule)
      if (rule === undefined || 'absent' in rule.when) continue
      if (alert.until !== undefined && alert.until < oldestEnd) continue
      this.notice(device, release, noticeOf(this.#components, device, rule, alert))
    }
  }

  /** Tells the channels of its rule, unless that was done. */
  notice(about: Member, release: Release, notice: Notice): void {
    const { own, steady, silentNow, book } = this.#components
    const { channels } = alertsOf(release)
    let isSilent: ((name: string) => boolean) | undefined
    for (const name of notice.rule.notify) {
      const channel = Object.hasOwn(channels, name) ? channels[name] : undefined
      const mark = markFor(notice, name)
      if (channel === undefined || book.isTold(mark) || this.#waiting.has(mark)) continue
      if (notice.ended) {
        // The end tells of the beginning too.
        this.#waiting.delete(markFor({ ...notice, ended: false }, name))
        if (!notice.rule.resolve) continue
      } else if (book.isTold(markFor({ ...notice, ended: true }, name))) continue
      isSilent ??= silentNow()
      const silent = isSilent
      const able = Object.keys(release.devices).filter(
        each => canSend(channel, each, release) && (each === own.name || !silent(each)),
      )
      const absent = 'absent' in notice.rule.when ? about.name : undefined
      const place = this.#place(
        able.filter(each => each !== absent),
        mark,
      )
      if (place === undefined || this.#waiting.size >= waitingAlerts) continue
      this.#waiting.set(mark, { notice, channel: name, dueAt: steady() + place * stepInMs })
    }
  }

  /** Its place in the order of all that can send: devices first, then the controllers. */
  #place(devices: readonly string[], mark: string): number | undefined {
    const { own, controllers } = this.#components
    if (controllers === undefined) return placeAmong(devices, own.name, mark)
    const place = placeAmong(controllers(), own.peer, mark)
    return place === undefined ? undefined : place + Math.min(devices.length, devicesBeforeControllers)
  }

  /** Whose word counts on what was sent and what is silenced: operators' controllers, and devices that can send. */
  #isSender({ peer }: Report): boolean {
    const { directory, releaseOf } = this.#components
    const member = directory.member(peer)
    if (member?.role === 'controller') return !isViewer(member)
    const release = member && releaseOf(member)
    if (member?.role !== 'device' || release === undefined) return false
    return Object.values(alertsOf(release).channels).some(channel => canSend(channel, member.name, release))
  }

  /** Its own, and for a controller those that others keep. */
  get #silences(): readonly Silence[] {
    const { book, controllers } = this.#components
    if (controllers === undefined) return book.silences
    const others = [...this.#reports()].flatMap(report => {
      const silences = silencesIn(report)
      return silences.length > 0 && this.#isSender(report) ? silences : []
    })
    return [...book.silences, ...others]
  }

  /** Sends what is due. Resolves when everything that was begun has ended. */
  async send(): Promise<void> {
    const now = this.#components.steady()
    const silences = this.#silences
    const due = new Map<string, Map<string, Notice>>()
    for (const [mark, { notice, channel, dueAt }] of this.#waiting) {
      if (this.#components.book.isTold(mark)) {
        this.#waiting.delete(mark)
        continue
      }
      if (dueAt > now || this.#isQuiet(notice.rule) || this.#isSilenced(notice, silences)) continue
      const notices = due.get(channel) ?? new Map<string, Notice>()
      if (notices.size < alertsPerMessage) due.set(channel, notices.set(mark, notice))
    }
    await Promise.all([...due].map(([channel, notices]) => this.#sendBy(channel, notices, now)))
  }

  async #sendBy(name: string, notices: ReadonlyMap<string, Notice>, now: number): Promise<void> {
    const state = this.#channels.get(name) ?? { sending: false, failures: 0, nextAt: 0 }
    this.#channels.set(name, state)
    if (state.sending || state.nextAt > now) return
    const channel = this.#channelOf(name, [...notices.values()])
    if (channel === undefined) {
      // A later release has taken it away.
      for (const mark of notices.keys()) this.#waiting.delete(mark)
      return
    }
    const { send, book, clock, steady, log } = this.#components
    state.sending = true
    try {
      await send(channel, [...notices.values()], { name, now: clock.now ?? new Date(), signal: this.#stop.signal })
      state.failures = 0
      state.nextAt = steady() + messageGapMs
      await book.tell(notices.keys())
      for (const mark of notices.keys()) this.#waiting.delete(mark)
      this.#marks = [...this.#marks, ...notices.keys()].slice(-maxMarks)
      log.info({ channel: name, alerts: notices.size }, 'alerts were sent')
      this.emit('told')
    } catch (thrown) {
      if (this.#stop.signal.aborted) return
      state.nextAt = steady() + Math.min(sendAgainLastMs, sendAgainFirstMs * 2 ** state.failures)
      state.failures = Math.min(20, state.failures + 1)
      log.warn({ channel: name, alerts: notices.size, reason: messageOf(thrown) }, 'alerts could not be sent')
    } finally {
      state.sending = false
    }
  }

  /** The channel as the newest release has it, if this device may still use it. */
  #channelOf(name: string, [notice]: readonly Notice[]): AlertChannel | undefined {
    const { directory, releaseOf, own, controllers } = this.#components
    const device = notice && directory.member(notice.peer)
    const release = device && releaseOf(device)
    const { channels } = alertsOf(release)
    const channel = Object.hasOwn(channels, name) ? channels[name] : undefined
    return channel && release && (controllers || canSend(channel, own.name, release)) ? channel : undefined
  }

  #isQuiet({ quiet }: AlertRule): boolean {
    const { now } = this.#components.clock
    return quiet !== undefined && quiet.length > 0 && now !== undefined && windowState(quiet, now).open
  }

  /** An acknowledgement names one alert, which was told: it silences nothing. */
  #isSilenced({ rule, device }: Notice, silences: readonly Silence[]): boolean {
    const now = (this.#components.clock.now ?? new Date()).getTime() / 1000
    return silences.some(
      silence =>
        silence.until > now &&
        silence.since === undefined &&
        (silence.rule ?? rule.name) === rule.name &&
        (silence.device ?? device) === device,
    )
  }
}

function markFor({ rule, ...notice }: Notice, channel: string): string {
  return markOf({ ...notice, rule: rule.name }, channel)
}

/** Whether a device of a release can send by a channel. */
function canSend(channel: AlertChannel, name: string, { devices }: Release): boolean {
  const device = Object.hasOwn(devices, name) ? devices[name] : undefined
  return device !== undefined && selects(channel.by, name, device)
}

/** Earlier times are of clocks that nobody has set. */
const earliest = Date.parse('2020-01-01') / 1000

function noticeOf(
  { fleet, clock }: Pick<NotifierComponents, 'fleet' | 'clock'>,
  { name, site, peer }: Member,
  rule: AlertRule,
  { since, until, value, unit, flaps }: ReportedAlert,
): Notice {
  const dateOf = (seconds: number | undefined) =>
    seconds === undefined || seconds < earliest ? undefined : new Date(seconds * 1000)
  const [beganAt, endedAt] = [dateOf(since), dateOf(until)]
  // What is told of an end is as old as the end.
  const at = endedAt ?? beganAt
  const late = at !== undefined && clock.now !== undefined && clock.now.getTime() - at.getTime() > lateMs
  return {
    fleet,
    device: name,
    site,
    peer,
    rule,
    since,
    ended: until !== undefined,
    beganAt,
    endedAt,
    value,
    unit,
    flaps,
    late,
  }
}
