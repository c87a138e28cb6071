/** Stores the trusted metadata: roots permanently, the other roles as one set that is replaced atomically. */

import { ThymeshError } from '../../protocol/errors.ts'
import { FleetError, fleetIdOf, membersAuthority } from '../../protocol/trust/fleet.ts'
import { delegatedRoles } from '../../protocol/trust/refresh.ts'
import { siteOf } from '../../protocol/trust/site-roles.ts'
import { restoreSite } from '../../protocol/trust/sites.ts'
import {
  TrustError,
  type TrustedSet,
  trustRoot,
  updateDelegated,
  updateRoot,
  updateSnapshot,
  updateTargets,
  updateTimestamp,
} from '../../protocol/trust/trusted-set.ts'
import type { Change, Database, Table } from './database.ts'
import { DocumentTable } from './document-table.ts'

/**
 * The loaded metadata: the newest root with the roles that it still authorises, and the complete set that was
 * accepted last.
 */
export interface KeptTrust {
  readonly trusted: TrustedSet | undefined
  /** After an interrupted rotation it is based on the previous root, and stays in force until newer metadata comes. */
  readonly complete: TrustedSet | undefined
}

export class TrustStoreError extends ThymeshError<'other-fleet'> {}

const rootKey = (version: number) => `root/${version}`
const roleKey = (role: string) => `role/${role}`

export class TrustStore {
  readonly #database: Database
  readonly #table: Table

  readonly #documents: DocumentTable

  constructor(database: Database, documents = new DocumentTable(database)) {
    this.#database = database
    this.#documents = documents
    this.#table = database.table('trust')
  }

  /** A root by version, for other peers. */
  root(version: number): Promise<Uint8Array | undefined> {
    return this.#table.get(rootKey(version))
  }

  /** Loads the metadata that was trusted in the last run; empty for a new peer. Expiry isn't checked again. */
  async load(fleet: string): Promise<KeptTrust> {
    const first = await this.root(1)
    if (first === undefined) return { trusted: undefined, complete: undefined }
    if (fleetIdOf(first) !== fleet) {
      throw new TrustStoreError('other-fleet', `the state belongs to fleet ${fleetIdOf(first)}, expected ${fleet}`, {
        hint: 'Give this peer a state directory of its own.',
      })
    }
    const roots = [trustRoot(first)]
    for (let newest = roots[0]; newest !== undefined; ) {
      const next = await this.root(newest.root.signed.version + 1)
      newest = next && updateRoot(newest, next)
      if (newest !== undefined) roots.push(newest)
    }
    const kept: TrustedSet[] = []
    for (const root of roots.toReversed()) {
      const { set, complete } = await this.#below(root)
      kept.push(set)
      if (complete) return { trusted: kept[0], complete: set }
    }
    return { trusted: kept[0], complete: undefined }
  }

  /** The stored roles below a root, as far as their signatures satisfy this root and its delegations. */
  async #below(root: TrustedSet): Promise<{ set: TrustedSet; complete: boolean }> {
    const timestamp = await this.#table.get('timestamp')
    const snapshot = await this.#table.get('snapshot')
    const targets = await this.#table.get(roleKey('targets'))
    if (timestamp === undefined || snapshot === undefined || targets === undefined)
      return { set: root, complete: false }
    let set = root
    try {
      set = updateTimestamp(set, timestamp, undefined)
      set = updateSnapshot(set, snapshot, undefined)
      set = updateTargets(set, targets, undefined)
      for (const role of delegatedRoles(set)) {
        const bytes = await this.#table.get(roleKey(role))
        if (bytes === undefined) continue
        set = siteOf(role) === undefined ? updateDelegated(set, role, bytes, undefined) : restoreSite(set, role, bytes)
      }
      membersAuthority(set)
      return { set, complete: true }
    } catch (thrown) {
      const ofOtherKeys = thrown instanceof TrustError && thrown.code === 'not-signed'
      if (ofOtherKeys || thrown instanceof FleetError) return { set, complete: false }
      throw thrown
    }
  }

  /** Stores a verified root at once, so that an interrupted walk continues from there. */
  keepRoot(set: TrustedSet): Promise<void> {
    return this.#database.apply([this.#rootChange(set)])
  }

  /** Replaces the set atomically, with the documents that it names and any other changes. */
  async keep(set: TrustedSet, documents: readonly Uint8Array[], also: Change[] = []): Promise<void> {
    const { timestamp, snapshot, targets } = set
    if (timestamp === undefined || snapshot === undefined || targets === undefined) {
      throw new RangeError('expected a complete set')
    }
    const roles: [string, Uint8Array][] = [
      ['targets', targets.bytes],
      ...Object.entries(set.delegated).map(([role, { bytes }]): [string, Uint8Array] => [role, bytes]),
    ]
    // Roles that a site's delegation no longer authorises must not return after a restart.
    const gone = Object.keys(snapshot.signed.meta)
      .map(file => file.replace(/\.json$/, ''))
      .filter(role => siteOf(role) !== undefined && !Object.hasOwn(set.delegated, role))
    // Peers request metadata below the timestamp by its hash, as documents.
    const byHash = [snapshot.bytes, ...roles.map(([, bytes]) => bytes), ...documents]
    await this.#database.apply([
      this.#rootChange(set),
      { table: 'trust', key: 'timestamp', value: timestamp.bytes },
      { table: 'trust', key: 'snapshot', value: snapshot.bytes },
      ...roles.map(([role, value]): Change => ({ table: 'trust', key: roleKey(role), value })),
      ...gone.map((role): Change => ({ table: 'trust', key: roleKey(role), value: undefined })),
      ...(await this.#documents.changes(byHash)),
      ...also,
    ])
  }

  #rootChange(set: TrustedSet): Change {
    return { table: 'trust', key: rootKey(set.root.signed.version), value: set.root.bytes }
  }
}
