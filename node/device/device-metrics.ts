/** The metrics of a device at work: recorded, served to controllers, and on a port for Prometheus where one is set. */

import type { Extensions } from '../../protocol/encoding/extensions.ts'
import { exposition, type Labels, sampleFamilies } from '../../protocol/metrics/exposition.ts'
import { reportFamilies } from '../../protocol/metrics/report-families.ts'
import { metricsExtension } from '../../protocol/metrics/reported.ts'
import type { Report } from '../../protocol/report/report.ts'
import { ClockOffset } from '../metrics/clock-offset.ts'
import { failedUnits } from '../metrics/failed-units.ts'
import { MetricsPort } from '../metrics/metrics-port.ts'
import { MetricsService } from '../metrics/metrics-service.ts'
import { Recorder } from '../metrics/recorder.ts'
import { Sampler } from '../metrics/sampler.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Settings } from '../settings/settings.ts'
import type { Clock } from '../state/clock.ts'

export interface DeviceMetricsComponents {
  readonly peer: MeshPeer
  readonly clock: Clock
  readonly log: Logger
}

export class DeviceMetrics {
  readonly recorder: Recorder
  readonly #components: DeviceMetricsComponents
  readonly #service: MetricsService
  readonly #portNumber: number | undefined
  readonly #stopping = new AbortController()
  readonly #offset: ClockOffset
  readonly #heard = (report: Report) => this.#offset.heard(report)
  #port: MetricsPort | undefined

  constructor(components: DeviceMetricsComponents, settings: Settings) {
    const { peer, clock, log } = components
    const { host, names, admission } = peer
    this.#components = components
    const members = () => new Set(admission.members.map(({ certificate }) => certificate.peer))
    this.#offset = new ClockOffset({ isNeighbour: id => members().has(id) })
    const sampler = new Sampler({
      uplinkBytes: () => this.#report?.update?.fromElsewhere,
      peers: () => admission.members.length,
      clockOffset: () => this.#offset.seconds,
      // A device with its own root has no units: the machine's belong to others.
      failedUnits: async () => (settings.root === undefined ? await failedUnits(this.#stopping.signal) : undefined),
    })
    const { port, scrape } = settings.metrics || { port: undefined, scrape: [] }
    this.#portNumber = port
    this.recorder = new Recorder({ sampler, clock, log }, settings.state)
    this.#service = new MetricsService(
      { host, names, admission, recorder: this.recorder, page: () => this.#page(), log },
      scrape,
    )
  }

  async start(): Promise<void> {
    const { peer, log } = this.#components
    peer.directory.on('report', this.#heard)
    await this.recorder.start()
    await this.#service.start()
    if (this.#portNumber !== undefined) this.#port = await MetricsPort.start(this.#portNumber, () => this.#page(), log)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#components.peer.directory.off('report', this.#heard)
    await this.#port?.stop()
    await this.#service.stop()
    await this.recorder.stop()
  }

  /** A few numbers for a report that is written for another reason. */
  get extensions(): Extensions {
    return metricsExtension(this.recorder.latest ?? {})
  }

  /** The last one, which has the update in progress or the last one. */
  get #report(): Report | undefined {
    const { directory, identity } = this.#components.peer
    return directory.report(identity.peerId)?.document
  }

  #page(): string {
    const { peer } = this.#components
    const { name, site } = peer.own.certificate
    const labels: Labels = { device: name, site: site ?? '' }
    const report = this.#report
    const families = sampleFamilies(this.recorder.latest ?? {}, labels)
    return exposition([...(report ? reportFamilies(report, labels) : []), ...families])
  }
}
