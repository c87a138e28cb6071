/** Paths of the store whose files aren't what Nix registered: remembered and told until they are repaired or gone. */

import { EventEmitter } from 'node:events'
import { SerialQueue } from '../../concurrency/serial-queue.ts'
import type { Logger } from '../../process/log.ts'
import type { Table } from '../../state/database.ts'
import { damagedCheckMs, maxDamagedPaths } from '../limits.ts'

interface Events {
  /** A path was found damaged that was not known to be. */
  found: [string]
  /** The list has changed. */
  changed: []
}

export interface DamagedPathsComponents {
  /** By store path; the values say nothing. */
  readonly table: Pick<Table, 'put' | 'delete' | 'keys'>
  /** Whether a path has the bytes that Nix registered, or is not valid any more. Reads all of it. */
  readonly store: { isSound(path: string): Promise<boolean> }
  readonly log: Pick<Logger, 'warn'>
}

export class DamagedPaths extends EventEmitter<Events> {
  readonly #components: DamagedPathsComponents
  readonly #paths = new Set<string>()
  readonly #queue = new SerialQueue()
  #timer: NodeJS.Timeout | undefined

  constructor(components: DamagedPathsComponents) {
    super()
    this.#components = components
  }

  /** Reads what was found before, and looks from time to time whether it was repaired. */
  async start(): Promise<void> {
    for await (const path of this.#components.table.keys()) this.#paths.add(path)
    void this.check()
    this.#timer = setInterval(() => void this.check(), damagedCheckMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#queue.drain()
  }

  /** Sorted by path. */
  get all(): string[] {
    return [...this.#paths].sort()
  }

  has(path: string): boolean {
    return this.#paths.has(path)
  }

  /** Notes a path that was read and had other bytes. Beyond a bound it is only logged: the first ones tell enough. */
  async found(path: string): Promise<void> {
    const { table, log } = this.#components
    if (this.#paths.has(path)) return
    log.warn({ path }, 'a path of the store is damaged')
    if (this.#paths.size >= maxDamagedPaths) return
    this.#paths.add(path)
    this.emit('found', path)
    this.emit('changed')
    await this.#queue.run(() => table.put(path, new Uint8Array()))
  }

  /** Reads the damaged paths again; those that were repaired or are gone leave the list. */
  check(): Promise<void> {
    return this.#queue.run(async () => {
      for (const path of this.all) {
        // A store that can't be asked says nothing about the path.
        if (!(await this.#components.store.isSound(path).catch(() => false))) continue
        this.#paths.delete(path)
        await this.#components.table.delete(path)
        this.emit('changed')
      }
    })
  }
}
