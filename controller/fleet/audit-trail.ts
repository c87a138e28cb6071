/**
 * A controller's archive for the audit log: superseded metadata and proposals, as they were signed. Bounded: the oldest
 * goes. It lacks metadata that was published and superseded while this controller was away.
 */

import { z } from 'zod'
import { SerialQueue } from '../../node/concurrency/serial-queue.ts'
import type { FleetTrust, Table } from '../../node/peer/controller-peer.ts'
import { codec } from '../../protocol/encoding/cbor.ts'
import {
  bytesSchema,
  formatVersion,
  nameSchema,
  timeSchema,
  timeText,
  versionSchema,
} from '../../protocol/encoding/fields.ts'
import { limits } from '../../protocol/limits.ts'
import { membersRole, releaseTarget, revocationsTarget } from '../../protocol/trust/fleet.ts'
import { parseMetadata } from '../../protocol/trust/metadata.ts'
import { proposalCodec } from '../../protocol/trust/proposal.ts'
import type { VerifiedProposal } from '../../protocol/trust/proposals.ts'
import { siteOf, siteReleaseTarget } from '../../protocol/trust/site-roles.ts'

/** Some 2 KiB each in a fleet of a hundred devices: releases of many years. */
const maxEntries = 8192
const maxBytes = 64 * 1024 * 1024

const entrySchema = z.strictObject({
  v: formatVersion,
  /** When this controller accepted it first, by its own clock. */
  seen: timeSchema,
  /** The root that was trusted then: it says whose signatures count. */
  root: versionSchema,
  targets: bytesSchema(1, limits.targets).optional(),
  members: bytesSchema(1, limits.targets).optional(),
  /** Of a site with operators of its own, by an entry of its own. */
  site: z.strictObject({ name: nameSchema, metadata: bytesSchema(1, limits.targets) }).optional(),
})
export type AuditEntry = z.infer<typeof entrySchema>
const entryCodec = codec<AuditEntry>('audit entry', 2 * limits.targets + limits.request, entrySchema)

export class AuditTrail {
  readonly #table: Table
  readonly #now: () => Date
  #last: { targets?: number; members?: number; root?: number } = {}
  /** Versions of sites' own metadata. */
  readonly #sites = new Map<string, number>()
  #next = 1
  /** Sizes by key, oldest first. */
  readonly #sizes = new Map<string, number>()
  readonly #writes = new SerialQueue()

  private constructor(table: Table, now: () => Date) {
    this.#table = table
    this.#now = now
  }

  /** Reads what was noted before in a table of the controller's own. */
  static async open(table: Table, now: () => Date = () => new Date()): Promise<AuditTrail> {
    const trail = new AuditTrail(table, now)
    for await (const [key, bytes] of trail.#table.entries()) {
      trail.#sizes.set(key, bytes.length)
      if (!key.startsWith('m/')) continue
      const entry = entryCodec.decode(bytes)
      trail.#next = Number(key.slice(2)) + 1
      trail.#remember(entry)
    }
    return trail
  }

  /** Notes the accepted state, now and after each change. */
  async follow(state: Pick<FleetTrust, 'accepted' | 'on'>): Promise<void> {
    state.on('changed', () => void this.note(state))
    await this.note(state)
  }

  /** The error of a failed write, for a log. */
  onFailure: (error: unknown) => void = () => {}

  /** Notes metadata that is newer than what was noted last. Never rejects. */
  note(state: Pick<FleetTrust, 'accepted'>): Promise<void> {
    return this.#write(async () => {
      const trusted = state.accepted?.trusted
      if (trusted === undefined) return
      const { root, targets } = trusted
      const members = trusted.delegated[membersRole]
      const isNew = (was: number | undefined, now: { signed: { version: number } } | undefined) =>
        now !== undefined && was !== now.signed.version
      const entry: AuditEntry = {
        v: 1,
        seen: timeText(this.#now()),
        root: root.signed.version,
        ...(targets && isNew(this.#last.targets, targets) && { targets: targets.bytes }),
        ...(members && isNew(this.#last.members, members) && { members: members.bytes }),
      }
      if (entry.targets !== undefined || entry.members !== undefined || isNew(this.#last.root, root)) {
        this.#last = {
          root: root.signed.version,
          ...(targets && { targets: targets.signed.version }),
          ...(members && { members: members.signed.version }),
        }
        await this.#putNext(entry)
      }
      const { v, seen } = entry
      for (const [role, { signed, bytes }] of Object.entries(trusted.delegated)) {
        const name = siteOf(role)
        if (name === undefined || this.#sites.get(name) === signed.version) continue
        this.#sites.set(name, signed.version)
        await this.#putNext({ v, seen, root: entry.root, site: { name, metadata: bytes } })
      }
    })
  }

  #putNext(entry: AuditEntry): Promise<void> {
    return this.#put(`m/${String(this.#next++).padStart(12, '0')}`, entryCodec.encode(entry))
  }

  /** Notes a proposal, in place of what was noted of it before. Never rejects. */
  noteProposal({ id, proposal }: VerifiedProposal): Promise<void> {
    return this.#write(() => this.#put(`p/${id}`, proposalCodec.encode(proposal)))
  }

  /** Metadata in the order in which it was seen. */
  async entries(): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = []
    for await (const [key, bytes] of this.#table.entries()) {
      if (key.startsWith('m/')) entries.push(entryCodec.decode(bytes))
    }
    return entries
  }

  async proposals(): Promise<{ id: string; bytes: Uint8Array }[]> {
    const proposals: { id: string; bytes: Uint8Array }[] = []
    for await (const [key, bytes] of this.#table.entries()) {
      if (key.startsWith('p/')) proposals.push({ id: key.slice(2), bytes })
    }
    return proposals
  }

  /** The releases and lists of revoked members that the log tells of: SHA-256 in hex. */
  async documents(): Promise<string[]> {
    const files = (await this.entries()).flatMap(({ targets, members, site }) => [
      ...(targets ? [targetHash(targets, releaseTarget)] : []),
      ...(members ? [targetHash(members, revocationsTarget)] : []),
      ...(site ? [targetHash(site.metadata, siteReleaseTarget(site.name))] : []),
    ])
    return files.filter(hash => hash !== undefined)
  }

  /** Waits until everything is on disk. */
  async settled(): Promise<void> {
    await this.#writes.drain()
  }

  #remember({ root, targets, members, site }: AuditEntry): void {
    this.#last.root = root
    if (targets !== undefined) this.#last.targets = versionIn(targets)
    if (members !== undefined) this.#last.members = versionIn(members)
    if (site !== undefined) this.#sites.set(site.name, versionIn(site.metadata))
  }

  async #put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#table.put(key, bytes)
    this.#sizes.delete(key)
    this.#sizes.set(key, bytes.length)
    let total = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0)
    for (const [oldest, size] of this.#sizes) {
      if (this.#sizes.size <= maxEntries && total <= maxBytes) break
      await this.#table.delete(oldest)
      this.#sizes.delete(oldest)
      total -= size
    }
  }

  #write(action: () => Promise<void>): Promise<void> {
    return this.#writes.run(action).catch(error => this.onFailure(error))
  }
}

function targetHash(metadata: Uint8Array, target: string): string | undefined {
  return parseMetadata('targets', metadata).signed.targets[target]?.hashes.sha256
}

function versionIn(metadata: Uint8Array): number {
  return (JSON.parse(Buffer.from(metadata).toString()) as { signed: { version: number } }).signed.version
}
