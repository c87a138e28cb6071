/** Writes a device's reports: signed one after the other, kept by its own peer, and published. */

import { timeText } from '../../protocol/encoding/fields.ts'
import { messageOf } from '../../protocol/errors.ts'
import type { PlainReport } from '../../protocol/report/report.ts'
import { ownExtensions } from '../../protocol/report/understands.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { MeshPeer } from '../peer/mesh-peer.ts'
import type { Logger } from '../process/log.ts'
import type { Clock } from '../state/clock.ts'
import type { OwnState } from '../state/own-state.ts'
import { freshnessOf, nextCounter, type Status, signReport, withDamage } from './device-report.ts'

export interface ReporterComponents {
  peer: MeshPeer
  own: OwnState
  clock: Clock
  log: Logger
}

/** A status, and the site whose release it is about; undefined for the fleet's. */
export interface ReportedStatus {
  readonly status: Status
  readonly site: string | undefined
}

export class Reporter {
  readonly #components: ReporterComponents
  readonly #queue = new SerialQueue()
  #lastAt = 0

  constructor(components: ReporterComponents) {
    this.#components = components
  }

  /** When the last report was asked for, in milliseconds since 1970; 0 before the first. */
  get lastAt(): number {
    return this.#lastAt
  }

  /** Signs a report, stores it and publishes it; one at a time, so that counters increase in order. Never rejects. */
  report(current: () => ReportedStatus): Promise<void> {
    this.#lastAt = Date.now()
    return this.#queue
      .run(() => this.#write(current()))
      .catch(error => {
        this.#components.log.error({ reason: messageOf(error) }, 'a report could not be written')
      })
  }

  drain(): Promise<void> {
    return this.#queue.drain()
  }

  async #write({ status, site }: ReportedStatus): Promise<void> {
    const { peer, own, clock } = this.#components
    const counter = await nextCounter(peer, own)
    const report: PlainReport = {
      v: 1,
      fleet: peer.fleet,
      peer: peer.identity.peerId,
      counter,
      freshness: freshnessOf(peer, clock),
      ...peer.meshStatus.fields,
      ...(clock.now && { at: timeText(clock.now) }),
      ...withDamage(status, peer.damaged.all),
      ...(site && { site }),
    }
    const addition = { extensions: ownExtensions, counter: await nextCounter(peer, own, counter) }
    const envelope = signReport(report, peer.identity.signer, addition)
    if ((await peer.directory.addReport(envelope)) !== 'unknown-member') peer.gossip.publishReport(envelope)
  }
}
