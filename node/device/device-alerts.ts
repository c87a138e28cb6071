/** The alerts of a device at work: looks at its own rules, at the absence of others, and sends what it is the one to send. */

import { alertExtensions, alertsIn, marksIn } from '../../protocol/alerts/reported.ts'
import { type AlertRule, alertsOf, rulesFor, spanSeconds } from '../../protocol/alerts/rules.ts'
import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { Member } from '../../protocol/members/certificate.ts'
import type { Sample } from '../../protocol/metrics/series.ts'
import type { Report } from '../../protocol/report/report.ts'
import { Absences } from '../alerts/absences.ts'
import { AlertBook } from '../alerts/alert-book.ts'
import { AlertsService } from '../alerts/alerts-service.ts'
import type { Facts } from '../alerts/conditions.ts'
import { lookMs, unitsMs } from '../alerts/limits.ts'
import { Notifier } from '../alerts/notifier.ts'
import { OwnAlerts } from '../alerts/own-alerts.ts'
import { send } from '../alerts/send.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import { failedUnits } from '../metrics/failed-units.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { Table } from '../state/database.ts'
import { followed } from '../state/releases.ts'
import { reportLastMs } from './limits.ts'

export interface DeviceAlertsComponents {
  readonly peer: MeshPeer
  /** The newest sample, if there is one. */
  readonly sample: () => Sample | undefined
  readonly clock: Clock
  readonly table: Table
  /** Writes a report now. */
  readonly report: () => void
  readonly log: Logger
}

/** An end that is older than this is not told after a start. */
const oldEndSeconds = 86_400

export class DeviceAlerts {
  readonly #components: DeviceAlertsComponents
  readonly #book: AlertBook
  readonly #own: OwnAlerts
  readonly #notifier: Notifier
  readonly #absences: Absences
  readonly #service: AlertsService
  readonly #hasUnits: boolean
  readonly #turns = new SerialQueue()
  readonly #stopping = new AbortController()
  readonly #heard = (report: Report) => this.#take(report)
  readonly #released = () => void this.#run(() => this.#notifier.takeAll(this.#oldestEnd))
  #units: { readonly failed: readonly string[] | undefined; readonly at: number } | undefined
  #timer: NodeJS.Timeout | undefined

  /** `hasUnits`: this machine's units are the device's own. */
  private constructor(components: DeviceAlertsComponents, book: AlertBook, hasUnits: boolean) {
    const { peer, clock, log } = components
    const { fleet, directory, admission } = peer
    const own = {
      peer: peer.identity.peerId,
      get name() {
        return peer.own.certificate.name
      },
    }
    const last = directory.report(own.peer)?.document
    const steady = () => performance.now()
    this.#components = components
    this.#book = book
    this.#hasUnits = hasUnits
    const isConnected = (id: string) => admission.members.some(({ certificate }) => certificate.peer === id)
    const releaseOf = (device: Member) => followed(peer.state.accepted, device)
    const shared = { fleet, own, directory, releaseOf, book, clock, steady }
    this.#absences = new Absences({ ...shared, isConnected })
    this.#own = new OwnAlerts(
      {
        rules: () => this.#rules,
        facts: () => this.#facts(),
        seconds: () => Math.floor(clock.reference.getTime() / 1000),
        steady,
      },
      last === undefined ? [] : alertsIn(last),
    )
    const silentNow = () => this.#absences.silentFor(3 * reportLastMs)
    this.#notifier = new Notifier({ ...shared, silentNow, send, log }, last === undefined ? [] : marksIn(last))
    const { host, names } = peer
    this.#service = new AlertsService({
      ...{ host, names, admission, book, log },
      seconds: () => Math.floor(clock.reference.getTime() / 1000),
      onChange: () => components.report(),
    })
    this.#own.on('changed', () => components.report())
    this.#notifier.on('told', () => components.report())
  }

  static async make(components: DeviceAlertsComponents, init: { hasUnits: boolean }): Promise<DeviceAlerts> {
    return new DeviceAlerts(components, await AlertBook.load(components.table), init.hasUnits)
  }

  async start(): Promise<void> {
    const { directory, state } = this.#components.peer
    directory.on('report', this.#heard)
    state.on('changed', this.#released)
    await this.#service.start()
    this.#released()
    this.#timer = setInterval(() => void this.#run(() => this.#look()), lookMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort(new Error('the daemon stops'))
    this.#notifier.stop()
    const { directory, state } = this.#components.peer
    directory.off('report', this.#heard)
    state.off('changed', this.#released)
    await this.#service.stop()
    await this.#turns.drain()
  }

  get extensions(): Extensions {
    return alertExtensions({
      alerts: this.#own.alerts,
      marks: this.#notifier.marks,
      silences: this.#book.silences.filter(({ until }) => until > this.#components.clock.reference.getTime() / 1000),
    })
  }

  /** Whether a rule counts on reports that come more often than unchanged ones do. */
  get isMissedSoon(): boolean {
    return this.#rules.some(({ when }) => 'absent' in when && spanSeconds(when.absent) * 1000 < 3 * reportLastMs)
  }

  get #release() {
    const { peer } = this.#components
    return followed(peer.state.accepted, peer.own.certificate)
  }

  get #rules(): AlertRule[] {
    return rulesFor(this.#release, this.#components.peer.own.certificate.name)
  }

  get #oldestEnd(): number {
    return this.#components.clock.reference.getTime() / 1000 - oldEndSeconds
  }

  #take(report: Report): void {
    this.#absences.heard(report.peer)
    void this.#run(async () => {
      await this.#notifier.take(report)
      void this.#notifier.send()
    })
  }

  async #look(): Promise<void> {
    // Before the first release there are no rules to look at; that ends nothing.
    if (this.#release === undefined) return
    if (alertsOf(this.#release).rules.length === 0 && this.#own.alerts.length === 0) return
    await this.#lookAtUnits()
    this.#own.look()
    await this.#absences.look((device, release, notice) => this.#notifier.notice(device, release, notice))
    // A channel that hangs must not keep the next look.
    void this.#notifier.send()
  }

  async #lookAtUnits(): Promise<void> {
    const now = performance.now()
    if (!this.#hasUnits || (this.#units !== undefined && now - this.#units.at < unitsMs)) return
    if (!this.#rules.some(({ when }) => 'unit' in when)) return
    this.#units = { failed: await failedUnits(this.#stopping.signal), at: now }
  }

  #facts(): Facts {
    const { peer, sample, clock } = this.#components
    return {
      sample: sample(),
      failedUnits: this.#units?.failed,
      report: peer.directory.report(peer.identity.peerId)?.document,
      certificateEnds: Date.parse(peer.own.certificate.expires),
      now: clock.now?.getTime(),
    }
  }

  async #run(work: () => Promise<void>): Promise<void> {
    await this.#turns
      .run(() => (this.#stopping.signal.aborted ? undefined : work()))
      .catch(thrown => this.#components.log.warn({ reason: messageOf(thrown) }, 'the alerts were not looked at'))
  }
}
