/** The digest of what this peer holds, for sync: worked out once for each state of the directory. */

import { equalBytes, sha256 } from '../../../protocol/encoding/hash.ts'
import { limits } from '../../../protocol/limits.ts'
import { certificateRank } from '../../../protocol/members/certificate.ts'
import { digestCodec, type SyncDigest } from '../../../protocol/messages/messages.ts'
import type { OpenedReport } from '../../../protocol/report/extended-report.ts'
import type { FleetState } from '../../state/fleet-state.ts'
import type { Directory } from './directory.ts'
import type { KnownMember } from './known-member.ts'

export interface OwnDigestComponents {
  state: Pick<FleetState, 'head'>
  directory: Pick<Directory, 'members' | 'on' | 'off'>
}

/** The reports that a version of sync carries: those of version 1, or all. */
export type ReportForm = 'plain' | 'all'

/** The counter of a member's report, as a version of sync carries it; 0 without one. */
export function counterIn(form: ReportForm, { report }: KnownMember): number {
  return (form === 'plain' ? report?.plain : report?.counter) ?? 0
}

/** A report as a version of sync carries it. */
export function reportIn(form: ReportForm, known: OpenedReport | undefined) {
  return form === 'plain' ? known?.plain.envelope : known?.envelope
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
    for (const event of ['certificate', 'report', 'forgotten', 'lost'] as const) {
      this.#components.directory.on(event, this.#forget)
    }
  }

  stop(): void {
    for (const event of ['certificate', 'report', 'forgotten', 'lost'] as const) {
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
      .members()
      .map(member => ({ peer: member.peer, issued: certificateRank(member), report: counterIn(form, member) }))
      .sort((a, b) => (a.peer < b.peer ? -1 : 1))
      // What older peers, which alone need it, can take: they keep no more members either.
      .slice(0, limits.digestMembers)
    const digest = { ...(state.head && { head: state.head }), members }
    const encoded = digestCodec.encode(digest)
    return { digest, hash: sha256(encoded), bytes: encoded.length }
  }
}

const noBytes = new Uint8Array()
