/**
 * A controller that sends alerts: it looks out for absent devices, and steps in where no device has sent. What it has sent, and
 * what it is silent about, is in reports of its own, which only such a controller writes.
 */

import { alertExtensions, marksIn } from '../../protocol/alerts/reported.ts'
import { timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { Member } from '../../protocol/members/certificate.ts'
import type { SilenceRequest } from '../../protocol/messages/alerts.ts'
import { extendedReportKind } from '../../protocol/report/extended-report.ts'
import { type Report, reportKind } from '../../protocol/report/report.ts'
import { ownExtensions } from '../../protocol/report/understands.ts'
import { signEnvelope } from '../../protocol/signing/dsse.ts'
import { Absences } from '../alerts/absences.ts'
import { AlertBook } from '../alerts/alert-book.ts'
import { AlertsService } from '../alerts/alerts-service.ts'
import { controllerSilenceMs, lookMs, newsMs } from '../alerts/limits.ts'
import { Notifier } from '../alerts/notifier.ts'
import { send } from '../alerts/send.ts'
import { sendingControllers } from '../alerts/sending-controllers.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { Table } from '../state/database.ts'
import type { OwnState } from '../state/own-state.ts'
import { followed } from '../state/releases.ts'
import type { ControllerLog } from './controller-log.ts'
import type { MeshPeer } from './mesh-peer.ts'
import { freshnessOf, nextCounter } from './own-report.ts'

export interface ControllerAlertsComponents {
  readonly peer: MeshPeer
  readonly own: Pick<OwnState, 'nextReportCounter'>
  readonly clock: Clock
  readonly table: Table
  /** Whose head its reports say. */
  readonly ownLog: Pick<ControllerLog, 'extensions'>
  readonly log: Logger
}

/** An end that is older than this is not told after a start. */
const oldEndSeconds = 86_400

export class ControllerAlerts {
  readonly #components: ControllerAlertsComponents
  readonly #book: AlertBook
  readonly #notifier: Notifier
  readonly #absences: Absences
  readonly #service: AlertsService
  readonly #turns = new SerialQueue()
  readonly #heard = (report: Report) => this.#take(report)
  readonly #released = () => void this.#run(() => this.#notifier.takeAll(this.#seconds - oldEndSeconds))
  #looking: NodeJS.Timeout | undefined
  #reporting: NodeJS.Timeout | undefined
  /** Since when a member is connected, on the steady clock. */
  #connectedSince: number | undefined
  #isStopping = false

  /** `folder` has what channels need on this machine: files with URLs and passwords, and programs. */
  private constructor(components: ControllerAlertsComponents, book: AlertBook, folder: string) {
    const { peer, clock, log } = components
    const { fleet, directory, admission, identity } = peer
    const own = { peer: identity.peerId, name: peer.own.certificate.name }
    this.#components = components
    this.#book = book
    const shared = {
      ...{ fleet, own, directory, book, clock, steady: () => performance.now() },
      releaseOf: (device: Member) => followed(peer.state.accepted, device),
    }
    const isConnected = (id: string) => admission.members.some(({ certificate }) => certificate.peer === id)
    this.#absences = new Absences({ ...shared, isConnected })
    const silentNow = () => this.#absences.silentFor(controllerSilenceMs)
    const controllers = () => [
      ...new Set([own.peer, ...sendingControllers(directory, clock.reference).map(each => each.peer)]),
    ]
    const last = directory.report(own.peer)?.document
    this.#notifier = new Notifier(
      {
        ...{ ...shared, silentNow, controllers, log },
        send: (channel, notices, init) => send(channel, notices, { ...init, secrets: folder, programs: folder }),
      },
      last === undefined ? [] : marksIn(last),
    )
    this.#service = new AlertsService({
      ...{ host: peer.host, names: peer.names, admission, book, log },
      seconds: () => this.#seconds,
      onChange: () => this.#report(),
    })
    this.#notifier.on('told', () => this.#report())
  }

  static async start(
    components: ControllerAlertsComponents,
    { folder }: { folder: string },
  ): Promise<ControllerAlerts> {
    const made = new ControllerAlerts(components, await AlertBook.load(components.table), folder)
    await made.#start()
    return made
  }

  async #start(): Promise<void> {
    const { directory, state } = this.#components.peer
    directory.on('report', this.#heard)
    state.on('changed', this.#released)
    await this.#service.start()
    this.#released()
    this.#report()
    this.#looking = setInterval(() => void this.#run(() => this.#look()), lookMs)
    this.#reporting = setInterval(() => this.#report(), controllerSilenceMs / 3)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#looking)
    clearInterval(this.#reporting)
    this.#notifier.stop()
    const { directory, state } = this.#components.peer
    directory.off('report', this.#heard)
    state.off('changed', this.#released)
    await this.#service.stop()
    await this.#turns.drain()
  }

  /** Reports now. */
  readonly report = (): void => this.#report()

  /** Keeps a silence that this controller's own operator orders, or ends it. */
  async silence({ for: length, ...about }: SilenceRequest): Promise<void> {
    if (length === 0) await this.#book.endSilence(about)
    else
      await this.#book.silence({
        ...about,
        until: this.#seconds + length,
        by: this.#components.peer.own.certificate.name,
      })
    this.#report()
  }

  get #seconds(): number {
    return Math.floor(this.#components.clock.reference.getTime() / 1000)
  }

  #take(report: Report): void {
    this.#absences.heard(report.peer)
    void this.#run(async () => {
      await this.#notifier.take(report)
      void this.#notifier.send()
    })
  }

  /**
   * A laptop is often away itself: what it misses then says nothing about devices, nor does what it knows before its neighbours
   * have told it the news.
   */
  get #knowsWhoIsAbsent(): boolean {
    const now = performance.now()
    this.#connectedSince =
      this.#components.peer.admission.members.length > 0 ? (this.#connectedSince ?? now) : undefined
    return this.#connectedSince !== undefined && now - this.#connectedSince >= newsMs
  }

  async #look(): Promise<void> {
    if (this.#knowsWhoIsAbsent) {
      await this.#absences.look((device, release, notice) => this.#notifier.notice(device, release, notice))
    }
    // A channel that hangs must not keep the next look.
    void this.#notifier.send()
  }

  #report(): void {
    void this.#run(async () => {
      const { peer, own, clock } = this.#components
      const { fleet, identity, directory } = peer
      const counter = await nextCounter(peer, own)
      const at = clock.now && timeText(clock.now)
      const plain = signEnvelope(
        reportKind,
        {
          ...{ v: 1, fleet, peer: identity.peerId, counter, state: 'waiting', freshness: freshnessOf(peer, clock) },
          ...(at && { at }),
        },
        identity.signer,
      )
      const silences = this.#book.silences.filter(({ until }) => until > this.#seconds)
      const head = this.#components.ownLog.extensions
      const extensions = {
        ...ownExtensions,
        ...head,
        ...alertExtensions({ alerts: [], marks: this.#notifier.marks, silences }),
      }
      const next = await nextCounter(peer, own, counter)
      const document = { v: 2, fleet, peer: identity.peerId, report: plain, extensions, counter: next } as const
      const envelope = signEnvelope(extendedReportKind, document, identity.signer)
      if ((await directory.addReport(envelope)) !== 'unknown-member') peer.gossip.publishOwnReport(envelope)
    })
  }

  async #run(work: () => Promise<void>): Promise<void> {
    await this.#turns
      .run(() => (this.#isStopping ? undefined : work()))
      .catch(thrown => this.#components.log.warn({ reason: messageOf(thrown) }, 'the alerts were not looked at'))
  }
}
