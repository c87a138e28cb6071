/** The trusted metadata on disk: roots for ever, the other roles as one set that is replaced at once. */

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

/** What was kept: the newest root with what it still vouches for, and the complete set that was believed last. */
export interface KeptTrust {
  readonly trusted: TrustedSet | undefined
  /** After a rotation that was cut off it stands on the root before: what was acted on is acted on until news come. */
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

  /** A root by version, to be relayed. */
  root(version: number): Promise<Uint8Array | undefined> {
    return this.#table.get(rootKey(version))
  }

  /** The metadata that was trusted when the peer ran last; nothing on a new one. Expiry is not checked again. */
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

  /** What is kept below a root, as far as it is signed by keys that this root, or who it delegates to, names. */
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

  /** Keeps a verified root at once: a long walk that is cut off goes on from there. */
  keepRoot(set: TrustedSet): Promise<void> {
    return this.#database.apply([this.#rootChange(set)])
  }

  /** Replaces the set, with documents that it names and whatever else must change with it. */
  async keep(set: TrustedSet, documents: readonly Uint8Array[], also: Change[] = []): Promise<void> {
    const { timestamp, snapshot, targets } = set
    if (timestamp === undefined || snapshot === undefined || targets === undefined) {
      throw new RangeError('expected a complete set')
    }
    const roles: [string, Uint8Array][] = [
      ['targets', targets.bytes],
      ...Object.entries(set.delegated).map(([role, { bytes }]): [string, Uint8Array] => [role, bytes]),
    ]
    // What a site's delegation no longer vouches for must not count again by a restart.
    const gone = Object.keys(snapshot.signed.meta)
      .map(file => file.replace(/\.json$/, ''))
      .filter(role => siteOf(role) !== undefined && !Object.hasOwn(set.delegated, role))
    // Metadata below the timestamp is asked for by its hash, as documents are.
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
