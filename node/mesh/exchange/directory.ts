/**
 * The fleet's directory: every peer keeps all members' certificates and the last report of each device. The documents are on
 * disk; what decisions need of them is in memory.
 */

import { EventEmitter } from 'node:events'
import { toHex } from '../../../protocol/encoding/hash.ts'
import { messageOf } from '../../../protocol/errors.ts'
import { limits } from '../../../protocol/limits.ts'
import { type Certificate, overrides, readStoredCertificate } from '../../../protocol/members/certificate.ts'
import { tokenIdOfGrant } from '../../../protocol/members/join-token.ts'
import { type MembershipAuthority, MembershipError, verifyMember } from '../../../protocol/members/membership.ts'
import { type OpenedReport, openReport, verifyOpened } from '../../../protocol/report/extended-report.ts'
import { highestCounter, type Report } from '../../../protocol/report/report.ts'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import { TimeSlice } from '../../concurrency/time-slice.ts'
import type { Logger } from '../../process/log.ts'
import type { Clock } from '../../state/clock.ts'
import type { Database } from '../../state/database.ts'
import { decodedDocuments, provisionalPace, recheckSliceMs, reportPace } from '../limits.ts'
import { subjectOf, subjectOfMember } from '../peers/subject.ts'
import { AuthorPace } from './author-pace.ts'
import { DocumentShelf } from './document-shelf.ts'
import { KnownMember, KnownReport } from './known-member.ts'

interface Known<T> {
  readonly document: T
  readonly envelope: Uint8Array
}

interface Events {
  certificate: [Certificate]
  report: [Report]
  /** The peer is no longer a member. */
  forgotten: [string]
  /** The last report of a peer could not be read from the disk. */
  lost: [string]
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
  /** Certificates, and reports, that stay decoded in memory; by default `decodedDocuments`. */
  decoded?: number
  /** For tests; by default `recheckSliceMs`. */
  sliceMs?: number
  /** Milliseconds, for the pace of authors; for tests. */
  now?: () => number
}

export class Directory extends EventEmitter<Events> {
  readonly #components: DirectoryComponents
  readonly #members = new Map<string, KnownMember>()
  readonly #certificates: DocumentShelf<Known<Certificate>>
  readonly #reports: DocumentShelf<OpenedReport>
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
    const { log, decoded = decodedDocuments } = components
    this.#certificates = new DocumentShelf(
      {
        table: database.table('members'),
        log,
        open: envelope => ({ document: readStoredCertificate(envelope), envelope }),
        onLost: peer => this.#loseCertificate(peer),
      },
      { decoded },
    )
    this.#reports = new DocumentShelf(
      {
        table: database.table('reports'),
        log,
        open: envelope => openReport(envelope, 'stored'),
        onLost: peer => this.#loseReport(peer),
      },
      { decoded },
    )
    const more = { subjects: 2 * limits.members, ...(components.now && { now: components.now }) }
    this.#reportPace = new AuthorPace({ ...reportPace, ...more })
    this.#provisionalPace = new AuthorPace({ ...provisionalPace, ...more })
  }

  /** Ends all waits, and writes the reports that are only in memory. */
  async stop(): Promise<void> {
    this.#reportPace.stop()
    this.#provisionalPace.stop()
    await this.#certificates.stop()
    await this.#reports.stop()
  }

  /** Loads what was verified and stored before; unreadable entries are skipped, and reports of former members. */
  static async load(components: DirectoryComponents, database: Database): Promise<Directory> {
    const directory = new Directory(components, database)
    // The certificate's own text: the one of the database is a part of its key.
    for await (const [, { document }] of directory.#certificates.load()) directory.#note(document.peer, document)
    for await (const [peer, report] of directory.#reports.load()) {
      const member = directory.#members.get(peer)
      if (member === undefined) continue
      member.report = new KnownReport(report)
      await directory.#dropBeyond(member)
    }
    return directory
  }

  /** Writes the reports that are only in memory. */
  flush(): Promise<void> {
    return this.#reports.flush()
  }

  /** What is in memory of all members. */
  members(): KnownMember[] {
    return [...this.#members.values()]
  }

  /** How many members there are. */
  get size(): number {
    return this.#members.size
  }

  member(peer: string): KnownMember | undefined {
    return this.#members.get(peer)
  }

  /** All certificates, or those of a role. Reads them from the disk: `members` does for most. */
  certificates(role?: Certificate['role']): Certificate[] {
    const members = this.members().filter(each => role === undefined || each.role === role)
    return members.flatMap(({ peer }) => this.certificate(peer)?.document ?? [])
  }

  /** All reports. Reads them from the disk. */
  reports(): Report[] {
    return this.members().flatMap(({ peer }) => this.report(peer)?.document ?? [])
  }

  certificate(peer: string): Known<Certificate> | undefined {
    return this.#members.has(peer) ? this.#certificates.get(peer) : undefined
  }

  report(peer: string): OpenedReport | undefined {
    return this.#members.get(peer)?.report === undefined ? undefined : this.#reports.get(peer)
  }

  /** The known certificate of a peer, if it makes its holder a member now. */
  valid(peer: string): Known<Certificate> | undefined {
    const known = this.certificate(peer)
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
    const before = this.certificate(peer)
    const known = before?.document
    const stands = before !== undefined && !overrides({ document: certificate, envelope }, before)
    if (stands && Date.parse(before.document.expires) > clock.reference.getTime()) return 'known'
    if (known === undefined && !(await this.#makeRoom(certificate))) return 'unknown-member'
    if (known?.grant !== undefined && certificate.grant !== undefined) {
      const member = this.#members.get(peer)
      const subject = subjectOf({ certificate })
      if (!(await this.#provisionalPace.turn(subject, Date.parse(certificate.issued)))) return 'known'
      if (this.#members.get(peer) !== member) return await this.addCertificate(peer, envelope)
    }
    const member = this.#note(peer, certificate)
    this.#certificates.put(peer, { document: certificate, envelope })
    await this.#certificates.flush()
    await this.#dropBeyond(member)
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
    const member = this.#members.get(report.peer)
    // A renewed certificate may allow this counter: the sender of the report may have it already.
    if (member === undefined || report.counter > highestCounter(member)) return 'unknown-member'
    const known = this.report(report.peer)
    await this.#components.witness?.(known, next)
    if (known !== undefined && known.document.counter >= report.counter) return 'known'
    if (!(await this.#reportPace.turn(subjectOfMember(member), report.counter))) return 'known'
    // It may have waited: meanwhile a newer one has come, or its author is no longer a member.
    const now = this.#members.get(report.peer)
    if (now === undefined) return 'unknown-member'
    if ((now.report?.counter ?? 0) >= report.counter) return 'known'
    now.report = new KnownReport(next)
    this.#reports.put(report.peer, next)
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
    for (const peer of by.revoked) if (this.#members.has(peer)) await this.#leave(peer, 'revoked')
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
    for (const peer of [...this.#members.keys()]) {
      await slice.step()
      const [known, by] = [this.certificate(peer), authority()]
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
    if (this.#members.size < maxMembers) return true
    const members = this.members()
    const leaving =
      members.find(each => each.hasExpired(clock.reference)) ??
      (grant === undefined ? members.findLast(each => each.grant !== undefined) : undefined)
    if (leaving !== undefined) await this.#forget(leaving.peer)
    return leaving !== undefined
  }

  /** Takes a certificate into memory, with the report that is known. */
  #note(peer: string, certificate: Certificate): KnownMember {
    const before = this.#members.get(peer)
    const member = new KnownMember(before?.peer ?? peer, certificate)
    member.report = before?.report
    this.#members.set(peer, member)
    this.#count(before, member)
    return member
  }

  #count(before: KnownMember | undefined, after: KnownMember | undefined): void {
    if (before?.grant !== undefined) {
      const peers = this.#byToken.get(before.grant)
      peers?.delete(before.peer)
      if (peers?.size === 0) this.#byToken.delete(before.grant)
    }
    if (after?.grant !== undefined) {
      this.#byToken.set(after.grant, (this.#byToken.get(after.grant) ?? new Set()).add(after.peer))
    }
  }

  /** A report that its peer's certificate doesn't allow would block all reports that it does allow. */
  async #dropBeyond(member: KnownMember): Promise<void> {
    // A newer certificate may have come while this one was written.
    if (this.#members.get(member.peer) !== member) return
    if ((member.report?.counter ?? 0) <= highestCounter(member)) return
    member.report = undefined
    await this.#reports.delete(member.peer)
  }

  async #forget(peer: string): Promise<void> {
    this.#count(this.#members.get(peer), undefined)
    this.#members.delete(peer)
    // Both at once: a report that comes while one is written is of the member's next certificate.
    await Promise.all([this.#certificates.delete(peer), this.#reports.delete(peer)])
    this.emit('forgotten', peer)
  }

  /** Sync brings it again, as it does a report. */
  #loseCertificate(peer: string): void {
    this.#leave(peer, 'its certificate could not be read').catch(thrown => {
      this.#components.log.warn({ peer, reason: messageOf(thrown) }, 'a member was not removed from the disk')
    })
  }

  #loseReport(peer: string): void {
    const member = this.#members.get(peer)
    if (member === undefined) return
    member.report = undefined
    this.emit('lost', peer)
  }
}

/** What signatures of certificates are judged by, as text. */
function keysOf({ fleet, threshold, keys }: MembershipAuthority): string {
  return [fleet, threshold, ...keys.map(toHex).sort()].join()
}
