/** What the mesh has to say in this peer's reports: its process, the certificate that it asks for, and what it has seen. */

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
  /** There is something to report, or updates are held or no longer held. */
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

  /** Two releases of one version are signed, and one of them would be installed here: no update begins before a newer one. */
  get held(): boolean {
    const { equivocation, own } = this.#components
    return equivocation.held(own.certificate.site)
  }
}
