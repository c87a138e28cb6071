/** The peer's state: one LevelDB, its parts by name. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'

export class StateError extends ThymeshError<'in-use' | 'unreadable'> {}

/** One part of the state: text keys, byte values. */
export interface Table {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array): Promise<void>
  delete(key: string): Promise<void>
  entries(): AsyncIterable<[string, Uint8Array]>
  keys(): AsyncIterable<string>
}

/** One change of a batch. */
export type Change = { table: TableName; key: string; value: Uint8Array | undefined }

/**
 * `trust`: metadata by role; `documents`: by SHA-256 in hex; `members`, `reports`, `addresses`: by peer ID; `releases`: by
 * version; `described`: recipes that this controller made, by store path; `own`: this peer's certificate, counter, time floor, failed release;
 * `evidence`: documents that contradict each other, by kind and subject; `history`: how releases went, by peer ID;
 * `proposals`: by ID; `audit`: superseded metadata that a controller's audit log is made of.
 */
export const tableNames = [
  'trust',
  'documents',
  'members',
  'reports',
  'addresses',
  'releases',
  'described',
  'own',
  'evidence',
  'proposals',
  'audit',
  'history',
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

  /** Opens the state in a directory, making it when it is new. Throws a StateError when another process has it open. */
  static async open(directory: string): Promise<Database> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const level = new Level<string, Uint8Array>(join(directory, 'db'), { valueEncoding: 'view' })
    try {
      await level.open()
    } catch (thrown) {
      const cause = thrown instanceof Error ? thrown.cause : undefined
      if (isLocked(cause)) {
        throw new StateError('in-use', `the state in ${directory} is in use by another process`, {
          hint: 'End the other `thymesh` that uses it, or give this one a state of its own.',
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
      put: (key, value) => table.put(key, value),
      delete: key => table.del(key),
      entries: () => table.iterator(),
      keys: () => table.keys(),
    }
  }

  /** All changes or none, on disk before it resolves. */
  async apply(changes: Change[]): Promise<void> {
    const batch = this.#level.batch()
    for (const { table, key, value } of changes) {
      const sublevel = this.#tables[table]
      if (value === undefined) batch.del(key, { sublevel })
      else batch.put(key, value, { sublevel })
    }
    await batch.write({ sync: true } as object)
  }

  /** Gives the disk back what deleted entries of a table took; LevelDB does so by itself only as others are written. */
  async compact(name: TableName): Promise<void> {
    const level = this.#level as unknown as { compactRange(start: string, end: string): Promise<void> }
    // What abstract-level puts around a sublevel's name; `"` follows `!`.
    await level.compactRange(`!${name}!`, `!${name}"`)
  }

  /** The database itself, for parts that keep tables of their own form. */
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

/** LevelDB says only in words what the system refused; none of it is a reason to throw a state away. */
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
