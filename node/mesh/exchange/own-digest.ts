/** The digest of what this peer holds, for sync: worked out once for each state of the directory. */

import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { certificateRank } from '../../../protocol/members/certificate.ts'
import { digestCodec, type SyncDigest } from '../../../protocol/messages/messages.ts'
import type { OpenedReport } from '../../../protocol/report/extended-report.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { Directory } from './directory.ts'

export interface OwnDigestComponents {
  state: Pick<FleetState, 'head'>
  directory: Pick<Directory, 'certificates' | 'report' | 'on' | 'off'>
}

/** The reports that a version of sync carries: those of version 1, or all. */
export type ReportForm = 'plain' | 'all'

/** A report as a version of sync carries it. */
export function reportIn(form: ReportForm, known: OpenedReport | undefined) {
  return form === 'plain' ? known?.plain : known && { counter: known.document.counter, envelope: known.envelope }
}

/** A digest, its SHA-256, and its length in bytes. */
export interface SummarisedDigest {
  readonly digest: SyncDigest
  readonly hash: Uint8Array
  readonly bytes: number
}

export class OwnDigest {
  readonly #components: OwnDigestComponents
  readonly #forget = () => this.#known.clear()
  readonly #known = new Map<ReportForm, SummarisedDigest>()

  constructor(components: OwnDigestComponents) {
    this.#components = components
  }

  start(): void {
    for (const event of ['certificate', 'report', 'forgotten'] as const) {
      this.#components.directory.on(event, this.#forget)
    }
  }

  stop(): void {
    for (const event of ['certificate', 'report', 'forgotten'] as const) {
      this.#components.directory.off(event, this.#forget)
    }
  }

  current(form: ReportForm): SummarisedDigest {
    const { head } = this.#components.state
    const known = this.#known.get(form)
    const before = known?.digest.head
    const isSame = head?.root === before?.root && equalBytes(head?.timestamp ?? noBytes, before?.timestamp ?? noBytes)
    if (known !== undefined && isSame) return known
    const current = this.#workOut(form)
    this.#known.set(form, current)
    return current
  }

  #workOut(form: ReportForm): SummarisedDigest {
    const { directory, state } = this.#components
    const members = directory
      .certificates()
      .map(certificate => ({
        peer: certificate.peer,
        issued: certificateRank(certificate),
        report: reportIn(form, directory.report(certificate.peer))?.counter ?? 0,
      }))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
    const digest = { ...(state.head && { head: state.head }), members }
    const encoded = digestCodec.encode(digest)
    return { digest, hash: sha256(encoded), bytes: encoded.length }
  }
}

const noBytes = new Uint8Array()
