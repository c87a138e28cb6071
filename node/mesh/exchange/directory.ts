/** The fleet's directory: every peer keeps all members' certificates and the last report of each device. */

import { EventEmitter } from 'node:events'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { type Certificate, overrides, readCertificate } from '../../../protocol/members/certificate.ts'
import { tokenIdOfGrant } from '../../../protocol/members/join-token.ts'
import { type MembershipAuthority, MembershipError, verifyMember } from '../../../protocol/members/membership.ts'
import { type OpenedReport, openReport, verifyOpened } from '../../../protocol/report/extended-report.ts'
import { highestCounter, type Report } from '../../../protocol/report/report.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { TimeSlice } from '../../concurrency/time-slice.ts'
import type { Logger } from '../../process/log.ts'
import type { Clock } from '../../state/clock.ts'
import type { Database, Table } from '../../state/database.ts'
import { reportsUnwrittenMs } from '../../state/limits.ts'
import { WriteBehind } from '../../state/write-behind.ts'
import { provisionalPace, recheckSliceMs, reportPace } from '../limits.ts'
import { subjectOf } from '../peers/subject.ts'
import { AuthorPace } from './author-pace.ts'

interface Known<T> {
  readonly document: T
  readonly envelope: Uint8Array
}

interface Events {
  certificate: [Certificate]
  report: [Report]
  /** The peer is no longer a member. */
  forgotten: [string]
}

/** The result of adding a certificate or report. */
export type AddResult = 'new' | 'known' | 'unknown-member'

export interface DirectoryComponents {
  fleet: string
  clock: Clock
  log: Logger
  authority: () => MembershipAuthority | undefined
  /** Receives every verified report of a member together with the known one. */
  witness?: (known: Known<Report> | undefined, next: Known<Report>) => Promise<void>
  /** For tests; by default `limits.members` and `limits.membersPerToken`. */
  maxMembers?: number
  maxPerToken?: number
  /** For tests; by default `recheckSliceMs`. */
  sliceMs?: number
  /** Milliseconds, for the pace of authors; for tests. */
  now?: () => number
}

export class Directory extends EventEmitter<Events> {
  readonly #components: DirectoryComponents
  readonly #memberTable: Table
  readonly #reportTable: Table
  readonly #storedReports: WriteBehind
  readonly #certificates = new Map<string, Known<Certificate>>()
  readonly #reports = new Map<string, OpenedReport>()
  /** Peers whose certificates a join token has signed, by the token's ID. */
  readonly #byToken = new Map<string, Set<string>>()
  readonly #rechecks = new SerialQueue()
  /** The keys by which all certificates were judged; unknown after a start. */
  #judgedBy: string | undefined
  readonly #reportPace: AuthorPace
  readonly #provisionalPace: AuthorPace

  private constructor(components: DirectoryComponents, database: Database) {
    super()
    this.#components = components
    this.#memberTable = database.table('members')
    this.#reportTable = database.table('reports')
    const writing = { table: this.#reportTable, log: components.log }
    this.#storedReports = new WriteBehind(writing, { delayMs: reportsUnwrittenMs })
    const more = { subjects: 2 * limits.members, ...(components.now && { now: components.now }) }
    this.#reportPace = new AuthorPace({ ...reportPace, ...more })
    this.#provisionalPace = new AuthorPace({ ...provisionalPace, ...more })
  }

  /** Ends all waits, and writes the reports that are only in memory. */
  async stop(): Promise<void> {
    this.#reportPace.stop()
    this.#provisionalPace.stop()
    await this.#storedReports.stop()
  }

  /** Loads what was verified and stored before; unreadable entries are skipped. */
  static async load(components: DirectoryComponents, database: Database): Promise<Directory> {
    const directory = new Directory(components, database)
    for await (const [peer, envelope] of directory.#memberTable.entries()) {
      const open = (bytes: Uint8Array) => ({ document: readCertificate(bytes), envelope: bytes })
      directory.#load(directory.#certificates, peer, envelope, open)
      const known = directory.#certificates.get(peer)
      if (known !== undefined) directory.#count(undefined, known.document)
    }
    for await (const [peer, envelope] of directory.#reportTable.entries()) {
      directory.#load(directory.#reports, peer, envelope, openReport)
      const member = directory.#certificates.get(peer)
      if (member !== undefined) await directory.#dropBeyond(peer, member.document)
    }
    return directory
  }

  /** Writes the reports that are only in memory. */
  flush(): Promise<void> {
    return this.#storedReports.stop()
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

  report(peer: string): OpenedReport | undefined {
    return this.#reports.get(peer)
  }

  /** The known certificate of a peer, if it makes its holder a member now. */
  valid(peer: string): Known<Certificate> | undefined {
    const known = this.#certificates.get(peer)
    const by = this.#components.authority()
    if (known === undefined || by === undefined) return undefined
    try {
      verifyMember(known.envelope, peer, by, this.#components.clock.reference)
      return known
    } catch {
      return undefined
    }
  }

  /** Adds a valid certificate if it is newer than the known one. Throws if it doesn't make its holder a member. */
  async addCertificate(peer: string, envelope: Uint8Array): Promise<AddResult> {
    const { authority, clock } = this.#components
    const by = authority()
    if (by === undefined) return 'unknown-member'
    const certificate = verifyMember(envelope, peer, by, clock.reference)
    const before = this.#certificates.get(peer)
    const known = before?.document
    const stands = before !== undefined && !overrides({ document: certificate, envelope }, before)
    if (stands && Date.parse(before.document.expires) > clock.reference.getTime()) return 'known'
    if (known === undefined && !(await this.#makeRoom(certificate))) return 'unknown-member'
    if (known?.grant !== undefined && certificate.grant !== undefined) {
      if (!(await this.#provisionalPace.turn(subjectOf({ certificate }), Date.parse(certificate.issued))))
        return 'known'
      if (this.#certificates.get(peer)?.document !== known) return await this.addCertificate(peer, envelope)
    }
    this.#count(known, certificate)
    this.#certificates.set(peer, { document: certificate, envelope })
    await this.#memberTable.put(peer, envelope)
    await this.#dropBeyond(peer, certificate)
    this.emit('certificate', certificate)
    return 'new'
  }

  /**
   * Adds a member's report, of either version, if its counter is higher than the known one's. One that comes too early
   * waits for the pace of its author, unless a newer one follows. Throws if it isn't signed by its own peer.
   */
  async addReport(envelope: Uint8Array): Promise<AddResult> {
    const next = verifyOpened(envelope, this.#components.fleet)
    const report = next.document
    const member = this.#certificates.get(report.peer)?.document
    // A renewed certificate may allow this counter: the sender of the report may have it already.
    if (member === undefined || report.counter > highestCounter(member)) return 'unknown-member'
    const known = this.#reports.get(report.peer)
    await this.#components.witness?.(known, next)
    if (known !== undefined && known.document.counter >= report.counter) return 'known'
    if (!(await this.#reportPace.turn(subjectOf({ certificate: member }), report.counter))) return 'known'
    // It may have waited: meanwhile a newer one has come, or its author is no longer a member.
    if (!this.#certificates.has(report.peer)) return 'unknown-member'
    if ((this.#reports.get(report.peer)?.document.counter ?? 0) >= report.counter) return 'known'
    this.#reports.set(report.peer, next)
    this.#storedReports.put(report.peer, envelope)
    this.emit('report', report)
    return 'new'
  }

  /**
   * Forgets members, with their reports, that are members no longer: revoked, or certified by keys that no longer
   * count. Signatures are verified again only if the keys have changed, in slices.
   */
  async recheckAll(): Promise<void> {
    const by = this.#components.authority()
    if (by === undefined) return
    for (const peer of by.revoked) if (this.#certificates.has(peer)) await this.#leave(peer, 'revoked')
    for (const token of by.revokedTokens ?? []) {
      for (const peer of [...(this.#byToken.get(token) ?? [])]) await this.#leave(peer, 'its join token was revoked')
    }
    await this.#rechecks.run(() => this.#verifyAll())
  }

  async #verifyAll(): Promise<void> {
    const { authority, clock, sliceMs = recheckSliceMs } = this.#components
    const judge = authority()
    const keys = judge && keysOf(judge)
    if (keys === undefined || keys === this.#judgedBy) return
    const slice = new TimeSlice(sliceMs)
    for (const peer of [...this.#certificates.keys()]) {
      await slice.step()
      const [known, by] = [this.#certificates.get(peer), authority()]
      // After another change of keys, the next recheck begins anew.
      if (by === undefined || (by !== judge && keysOf(by) !== keys)) return
      if (known === undefined) continue
      try {
        verifyMember(known.envelope, peer, by, clock.reference)
      } catch (thrown) {
        // A member with an expired certificate stays: a renewed one may follow.
        const expired = thrown instanceof MembershipError && thrown.code === 'expired'
        if (!expired) await this.#leave(peer, messageOf(thrown))
      }
    }
    this.#judgedBy = keys
  }

  async #leave(peer: string, reason: string): Promise<void> {
    this.#components.log.info({ peer, reason }, 'a member was forgotten')
    await this.#forget(peer)
  }

  /**
   * Makes room for a new member by forgetting one whose certificate has expired; for a countersigned one also by
   * forgetting one that only a join token has signed. Resolves to whether there is room.
   */
  async #makeRoom({ grant }: Certificate): Promise<boolean> {
    const { maxMembers = limits.members, maxPerToken = limits.membersPerToken, clock } = this.#components
    const sameToken = grant && this.#byToken.get(tokenIdOfGrant(grant))
    if (sameToken !== undefined && sameToken.size >= maxPerToken) return false
    if (this.#certificates.size < maxMembers) return true
    const now = clock.reference.getTime()
    const leaving =
      this.certificates().find(({ expires }) => Date.parse(expires) <= now) ??
      (grant === undefined ? this.certificates().findLast(each => each.grant !== undefined) : undefined)
    if (leaving !== undefined) await this.#forget(leaving.peer)
    return leaving !== undefined
  }

  #count(before: Certificate | undefined, after: Certificate | undefined): void {
    if (before?.grant !== undefined) {
      const token = tokenIdOfGrant(before.grant)
      const peers = this.#byToken.get(token)
      peers?.delete(before.peer)
      if (peers?.size === 0) this.#byToken.delete(token)
    }
    if (after?.grant !== undefined) {
      const token = tokenIdOfGrant(after.grant)
      this.#byToken.set(token, (this.#byToken.get(token) ?? new Set()).add(after.peer))
    }
  }

  /** A report that its peer's certificate doesn't allow would block all reports that it does allow. */
  async #dropBeyond(peer: string, certificate: Certificate): Promise<void> {
    const { counter = 0 } = this.#reports.get(peer)?.document ?? {}
    if (counter <= highestCounter(certificate)) return
    this.#reports.delete(peer)
    await this.#storedReports.delete(peer)
  }

  async #forget(peer: string): Promise<void> {
    this.#count(this.#certificates.get(peer)?.document, undefined)
    this.#certificates.delete(peer)
    this.#reports.delete(peer)
    await this.#memberTable.delete(peer)
    await this.#storedReports.delete(peer)
    this.emit('forgotten', peer)
  }

  #load<T>(into: Map<string, T>, peer: string, envelope: Uint8Array, open: (bytes: Uint8Array) => T): void {
    try {
      into.set(peer, open(envelope))
    } catch (thrown) {
      this.#components.log.warn({ peer, reason: messageOf(thrown) }, 'a stored document was skipped')
    }
  }
}

/** What signatures of certificates are judged by, as text. */
function keysOf({ fleet, threshold, keys }: MembershipAuthority): string {
  return [fleet, threshold, ...keys.map(toHex).sort()].join()
}
