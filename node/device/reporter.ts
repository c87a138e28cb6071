/** Signs a device's status as a report, stores it and publishes it; one at a time, so that counters increase in order. */

import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import { awaitingReboot } from '../../protocol/report/awaiting-reboot.ts'
import type { PlainReport } from '../../protocol/report/report.ts'
import { spentExtension } from '../../protocol/report/spent-uplink.ts'
import { ownExtensions } from '../../protocol/report/understands.ts'
import type { Activator } from '../activation/activator.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import { freshnessOf, nextCounter } from '../peer/own-report.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { OwnState } from '../state/own-state.ts'
import { type Status, signReport } from './device-report.ts'
import { progressIntervalMs } from './limits.ts'
import { withRemarks } from './remarks.ts'
import { ReportSchedule } from './report-schedule.ts'
import { saysMore } from './says-more.ts'
import { signedWithWhatFits } from './what-fits.ts'

export interface ReporterComponents {
  peer: MeshPeer
  activator: Pick<Activator, 'notInForce'>
  own: OwnState
  clock: Clock
  log: Logger
}

/** What others than the main loop have a device report. */
export interface ByTheWay {
  /** What else a report says, the most important first, where not all fits; a change of it is no news. */
  extensions?(): readonly Extensions[]
  /** Whether somebody is told when nobody hears of this device for some hours. */
  isMissedSoon?(): boolean
}

export interface ReporterInit extends ByTheWay {
  /** What there is to say, and the site whose release it is about. */
  status(): { status: Status; site: string | undefined; awaitsReboot?: string | undefined }
  /** Whether others judge this device by its silence now. */
  isAwaited(): boolean
}

/** A report without its counter and time. */
type Content = Omit<PlainReport, 'counter' | 'at'>

export class Reporter {
  readonly #components: ReporterComponents
  readonly #init: ReporterInit
  readonly #reports = new SerialQueue()
  readonly #schedule: ReportSchedule
  #told: Content | undefined
  /** As of the last report: only a switch or a boot changes it, and both are reported. */
  #notInForce: readonly string[] = []
  /** What the last report had no room for. */
  #leftOut = ''
  #lastAt = 0

  constructor(components: ReporterComponents, init: ReporterInit) {
    this.#components = components
    this.#init = init
    this.#schedule = new ReportSchedule({
      hasChanged: () =>
        this.#told !== undefined && saysMore(this.#content(), this.#told, this.#components.peer.directory.size),
      isAwaited: () => init.isAwaited() || (init.isMissedSoon?.() ?? false),
      report: () => void this.#report(),
    })
  }

  start(): void {
    this.#components.peer.uplink.onShareUsed = () => void this.report()
    this.#schedule.start()
  }

  async stop(): Promise<void> {
    this.#schedule.stop()
    await this.#reports.drain()
  }

  /** Whether anything was reported since the start. */
  get hasReported(): boolean {
    return this.#lastAt > 0
  }

  /** Whether a report of mere progress is due. */
  get progressIsDue(): boolean {
    return Date.now() - this.#lastAt >= progressIntervalMs
  }

  /** Reports a change. Never rejects. */
  report(): Promise<void> {
    this.#schedule.changed()
    return this.#report()
  }

  #report(): Promise<void> {
    this.#lastAt = Date.now()
    return this.#reports
      .run(() => this.#write())
      .catch(error => {
        this.#components.log.error({ reason: messageOf(error) }, 'a report could not be written')
      })
  }

  #content(): Content {
    const { peer, clock } = this.#components
    const { status, site } = this.#init.status()
    return {
      v: 1,
      fleet: peer.fleet,
      peer: peer.identity.peerId,
      freshness: freshnessOf(peer, clock),
      ...peer.meshStatus.fields,
      ...withRemarks(status, { damaged: peer.damaged.all, notInForce: this.#notInForce }),
      ...(site && { site }),
    }
  }

  async #write(): Promise<void> {
    const { peer, activator, own, clock } = this.#components
    this.#notInForce = await activator.notInForce()
    const counter = await nextCounter(peer, own)
    this.#told = this.#content()
    const report: PlainReport = { ...this.#told, counter, ...(clock.now && { at: timeText(clock.now) }) }
    const next = await nextCounter(peer, own, counter)
    const waits = awaitingReboot(this.#init.status().awaitsReboot)
    const spent = peer.uplink.tell(this.#told.state === 'fetching', Date.now())
    const sign = (extensions: Extensions) =>
      signReport(report, peer.identity.signer, {
        extensions: { ...ownExtensions, ...waits, ...(spent && spentExtension(spent)), ...extensions },
        counter: next,
      })
    const { envelope, leftOut } = signedWithWhatFits(sign, this.#init.extensions?.() ?? [])
    // Once each: it goes on with every report.
    if (leftOut.join() !== this.#leftOut) {
      this.#leftOut = leftOut.join()
      if (leftOut.length > 0)
        this.#components.log.warn({ leftOut }, 'the report has no room for all that it should say')
    }
    const before = peer.directory.report(peer.identity.peerId)
    const added = await peer.directory.addReport(envelope)
    if (added !== 'unknown-member') peer.news.publishOwn(envelope, before, this.#init.isAwaited())
  }
}
