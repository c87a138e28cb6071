/** The mesh's part of this peer's reports: its process, a renewal request and alarms. */

import { EventEmitter } from 'node:events'
import type { Report } from '../../protocol/report/report.ts'
import type { Equivocation } from '../mesh/exchange/equivocation.ts'
import type { OwnCertificate } from '../mesh/peers/own-certificate.ts'
import type { EvidenceBook } from '../state/evidence.ts'

export interface MeshStatusComponents {
  boot: Uint8Array
  own: OwnCertificate
  evidence: EvidenceBook
  equivocation: Equivocation
}

interface Events {
  /** A field has changed, or updates are held or no longer held. */
  changed: []
}

export class MeshStatus extends EventEmitter<Events> {
  readonly #components: MeshStatusComponents

  constructor(components: MeshStatusComponents) {
    super()
    this.#components = components
    components.own.on('due', () => this.emit('changed'))
    components.evidence.on('changed', () => this.emit('changed'))
  }

  /** Fields of the next report. */
  get fields(): Pick<Report, 'boot' | 'renew' | 'alarms'> {
    const { boot, own, evidence } = this.#components
    const alarms = evidence.alarms()
    return { boot, ...(own.renewal && { renew: own.renewal }), ...(alarms.length > 0 && { alarms }) }
  }

  /**
   * Whether two releases of one version are signed and one of them would be installed here: no update begins until a
   * newer one comes.
   */
  get held(): boolean {
    const { equivocation, own } = this.#components
    return equivocation.held(own.certificate.site)
  }
}
