/** Signs a device's status as a report, stores it and publishes it; one at a time, so that counters increase in order. */

import { isDeepStrictEqual } from 'node:util'
import { timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { PlainReport } from '../../protocol/report/report.ts'
import { ownExtensions } from '../../protocol/report/understands.ts'
import type { Activator } from '../activation/activator.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { OwnState } from '../state/own-state.ts'
import { freshnessOf, nextCounter, type Status, signReport } from './device-report.ts'
import { progressIntervalMs } from './limits.ts'
import { withRemarks } from './remarks.ts'
import { ReportSchedule } from './report-schedule.ts'

export interface ReporterComponents {
  peer: MeshPeer
  activator: Pick<Activator, 'notInForce'>
  own: OwnState
  clock: Clock
  log: Logger
}

export interface ReporterInit {
  /** What there is to say, and the site whose release it is about. */
  status(): { status: Status; site: string | undefined }
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
  #lastAt = 0

  constructor(components: ReporterComponents, init: ReporterInit) {
    this.#components = components
    this.#init = init
    this.#schedule = new ReportSchedule({
      hasChanged: () => this.#told !== undefined && !isDeepStrictEqual(this.#content(), this.#told),
      isAwaited: () => init.isAwaited(),
      report: () => void this.#report(),
    })
  }

  start(): void {
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
    const addition = { extensions: ownExtensions, counter: await nextCounter(peer, own, counter) }
    const envelope = signReport(report, peer.identity.signer, addition)
    if ((await peer.directory.addReport(envelope)) !== 'unknown-member') peer.gossip.publishReport(envelope)
  }
}
