/** The peer's state: one LevelDB database with named tables. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'

export class StateError extends ThymeshError<'in-use' | 'unreadable' | 'newer-state'> {}

/** A table of the state: text keys, byte values. */
export interface Table {
  get(key: string): Promise<Uint8Array | undefined>
  /** At once, for small values: a read of the disk's cache takes microseconds. It leaves nothing in LevelDB's own cache. */
  getSync(key: string): Uint8Array | undefined
  put(key: string, value: Uint8Array): Promise<void>
  /** Writes all of these or none. */
  putAll(values: ReadonlyMap<string, Uint8Array>): Promise<void>
  delete(key: string): Promise<void>
  entries(): AsyncIterable<[string, Uint8Array]>
  keys(): AsyncIterable<string>
}

/** One change in a batch. */
export type Change = { table: TableName; key: string; value: Uint8Array | undefined }

/**
 * `trust`: metadata by role; `documents`: by SHA-256 in hex; `members`, `reports`, `addresses`: by peer ID;
 * `releases`, `release-extensions`: by version; `described`: recipes made by this controller, by store path; `own`: this peer's
 * certificate, counter, time floor, failed release; `evidence`: contradicting documents, by kind and subject;
 * `history`: outcomes of releases, by peer ID; `damaged`: by store path; `carried-metrics`: histories that outboxes have
 * brought, by peer ID and step; `shifts`: comparisons of two versions of a path, by their recipes; `carried-snapshots`: of screens, the same, by peer ID; `receipts`: when reports came to a controller, by peer ID; `alerts`: what was told, who is
 * absent and what is silenced, by kind; `proposals`: by ID; `audit`: superseded metadata for a controller's audit log;
 * `witnessed-log`: this device's own log, its entries and hashes; `log-heads`: of other devices' logs, which a controller
 * keeps, and `headless-reports`: their last report with a head where the newest has none, by peer ID.
 */
export const tableNames = [
  'trust',
  'documents',
  'members',
  'reports',
  'addresses',
  'releases',
  'release-extensions',
  'described',
  'shifts',
  'own',
  'evidence',
  'proposals',
  'audit',
  'witnessed-log',
  'log-heads',
  'headless-reports',
  'history',
  'damaged',
  'carried-metrics',
  'carried-snapshots',
  'receipts',
  'alerts',
] as const
export type TableName = (typeof tableNames)[number]

export class Database {
  readonly #level: Level<string, Uint8Array>
  readonly #tables: Record<TableName, ReturnType<typeof sublevelOf>>

  private constructor(level: Level<string, Uint8Array>) {
    this.#level = level
    this.#tables = Object.fromEntries(tableNames.map(name => [name, sublevelOf(level, name)])) as Record<
      TableName,
      ReturnType<typeof sublevelOf>
    >
  }

  /** Opens the state in a directory, creating it if necessary. Throws a StateError if another process has it open. */
  static async open(directory: string): Promise<Database> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const level = new Level<string, Uint8Array>(join(directory, 'db'), { valueEncoding: 'view' })
    try {
      await level.open()
    } catch (thrown) {
      const cause = thrown instanceof Error ? thrown.cause : undefined
      if (isLocked(cause)) {
        throw new StateError('in-use', `the state in ${directory} is in use by another process`, {
          hint: 'End the other `thymesh` that uses it, or give this one a state directory of its own.',
          cause: thrown,
        })
      }
      const message = messageOf(cause ?? thrown)
      throw new StateError('unreadable', `can't open the state in ${directory}: ${message}`, {
        hint: adviceFor(message),
        cause: thrown,
      })
    }
    return new Database(level)
  }

  table(name: TableName): Table {
    const table = this.#tables[name]
    return {
      get: key => table.get(key),
      getSync: key => table.getSync(key, { fillCache: false } as object),
      put: (key, value) => table.put(key, value),
      putAll: values => table.batch([...values].map(([key, value]) => ({ type: 'put', key, value }))),
      delete: key => table.del(key),
      entries: () => table.iterator(),
      keys: () => table.keys(),
    }
  }

  /** Applies all changes or none, on disk before it resolves. */
  async apply(changes: Change[]): Promise<void> {
    const batch = this.#level.batch()
    for (const { table, key, value } of changes) {
      const sublevel = this.#tables[table]
      if (value === undefined) batch.del(key, { sublevel })
      else batch.put(key, value, { sublevel })
    }
    await batch.write({ sync: true } as object)
  }

  /** Frees the disk space of a table's deleted entries; LevelDB does so by itself only as others are written. */
  async compact(name: TableName): Promise<void> {
    const level = this.#level as unknown as { compactRange(start: string, end: string): Promise<void> }
    // The prefix that abstract-level gives a sublevel; `"` follows `!`.
    await level.compactRange(`!${name}!`, `!${name}"`)
  }

  /** The database itself, for components with their own kinds of tables. */
  get level(): Level {
    return this.#level as unknown as Level
  }

  async close(): Promise<void> {
    await this.#level.close()
  }
}

function sublevelOf(level: Level<string, Uint8Array>, name: TableName) {
  return level.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
}

/**
 * Advice for an error of LevelDB, which reports the system's error only as text. None of these is a reason to discard
 * a state.
 */
export function adviceFor(message: string): string {
  if (/No space left on device|Disk quota exceeded/.test(message)) return 'Free some space on its disk, then try again.'
  if (/Permission denied|Read-only file system/.test(message)) {
    return 'It must be readable and writable: run this as the user whose state it is.'
  }
  return 'Restore the directory from a backup, or remove it: a device then joins again with a token.'
}

function isLocked(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED'
}
