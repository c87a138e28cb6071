/** Who is a member and what each device said last: certificates and reports, kept by every peer for the whole fleet. */

import { EventEmitter } from 'node:events'
import { type Certificate, readCertificate } from '../../protocol/certificate.ts'
import { open } from '../../protocol/dsse.ts'
import { messageOf } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { type MembershipAuthority, MembershipError, verifyMember } from '../../protocol/membership.ts'
import { type Report, reportKind, verifyReport } from '../../protocol/report.ts'
import type { Logger } from '../log.ts'
import type { Clock } from '../state/clock.ts'
import type { Database, Table } from '../state/database.ts'

interface Known<T> {
  readonly document: T
  readonly envelope: Uint8Array
}

interface Events {
  certificate: [Certificate]
  report: [Report]
}

/** What became of something that a peer brought. */
export type Outcome = 'new' | 'known' | 'unknown-member'

export interface DirectoryComponents {
  fleet: string
  clock: Clock
  log: Logger
  authority: () => MembershipAuthority | undefined
  /** For tests; `limits.members` if nothing is said. */
  maxMembers?: number
}

export class Directory extends EventEmitter<Events> {
  readonly #components: DirectoryComponents
  readonly #memberTable: Table
  readonly #reportTable: Table
  readonly #certificates = new Map<string, Known<Certificate>>()
  readonly #reports = new Map<string, Known<Report>>()

  private constructor(components: DirectoryComponents, database: Database) {
    super()
    this.#components = components
    this.#memberTable = database.table('members')
    this.#reportTable = database.table('reports')
  }

  /** What was verified and kept before; what can't be read any more is left out. */
  static async load(components: DirectoryComponents, database: Database): Promise<Directory> {
    const directory = new Directory(components, database)
    for await (const [peer, envelope] of directory.#memberTable.entries()) {
      directory.#load(directory.#certificates, peer, envelope, readCertificate)
    }
    for await (const [peer, envelope] of directory.#reportTable.entries()) {
      directory.#load(directory.#reports, peer, envelope, bytes => open(reportKind, bytes).document)
    }
    return directory
  }

  certificates(): Certificate[] {
    return [...this.#certificates.values()].map(({ document }) => document)
  }

  reports(): Report[] {
    return [...this.#reports.values()].map(({ document }) => document)
  }

  certificate(peer: string): Known<Certificate> | undefined {
    return this.#certificates.get(peer)
  }

  report(peer: string): Known<Report> | undefined {
    return this.#reports.get(peer)
  }

  /** Takes a certificate that makes its holder a member, if it is newer than the known one. Throws when it doesn't. */
  async addCertificate(peer: string, envelope: Uint8Array): Promise<Outcome> {
    const { authority, clock } = this.#components
    const by = authority()
    if (by === undefined) return 'unknown-member'
    const certificate = verifyMember(envelope, peer, by, clock.reference)
    const known = this.#certificates.get(peer)?.document
    if (known !== undefined && known.issued >= certificate.issued) return 'known'
    const full = known === undefined && this.#certificates.size >= (this.#components.maxMembers ?? limits.members)
    if (full && !(await this.#evict())) return 'unknown-member'
    this.#certificates.set(peer, { document: certificate, envelope })
    await this.#memberTable.put(peer, envelope)
    this.emit('certificate', certificate)
    return 'new'
  }

  /** Takes a member's report, if its counter is higher than the known one's. Throws when it isn't its peer's own. */
  async addReport(envelope: Uint8Array): Promise<Outcome> {
    const report = verifyReport(envelope, this.#components.fleet)
    if (!this.#certificates.has(report.peer)) return 'unknown-member'
    const known = this.#reports.get(report.peer)?.document
    if (known !== undefined && known.counter >= report.counter) return 'known'
    this.#reports.set(report.peer, { document: report, envelope })
    await this.#reportTable.put(report.peer, envelope)
    this.emit('report', report)
    return 'new'
  }

  /** Forgets who is a member no longer, and its report: revoked, or certified by keys that count no more. */
  async reconsider(): Promise<void> {
    const { authority, clock, log } = this.#components
    const by = authority()
    if (by === undefined) return
    for (const [peer, { envelope }] of [...this.#certificates]) {
      try {
        verifyMember(envelope, peer, by, clock.reference)
      } catch (thrown) {
        // One whose certificate has expired stays in sight: a new one may come.
        const expired = thrown instanceof MembershipError && thrown.code === 'expired'
        if (expired && !by.revoked.has(peer)) continue
        log.info({ peer, reason: messageOf(thrown) }, 'a member was forgotten')
        await this.#forget(peer)
      }
    }
  }

  /** Makes room by forgetting a member whose certificate has expired; whether there was one. */
  async #evict(): Promise<boolean> {
    const now = this.#components.clock.reference.getTime()
    const expired = this.certificates().find(({ expires }) => Date.parse(expires) <= now)
    if (expired !== undefined) await this.#forget(expired.peer)
    return expired !== undefined
  }

  async #forget(peer: string): Promise<void> {
    this.#certificates.delete(peer)
    this.#reports.delete(peer)
    await this.#memberTable.delete(peer)
    await this.#reportTable.delete(peer)
  }

  #load<T>(into: Map<string, Known<T>>, peer: string, envelope: Uint8Array, read: (bytes: Uint8Array) => T): void {
    try {
      into.set(peer, { document: read(envelope), envelope })
    } catch (thrown) {
      this.#components.log.warn({ peer, reason: messageOf(thrown) }, 'a kept document was left out')
    }
  }
}
