/**
 * Writes a table behind: the latest value of each key, many keys at once, after a while. For what others send again, since
 * a power cut loses it: flash wears with every write.
 */

import { messageOf } from '../../protocol/errors.ts'
import { SerialQueue } from '../concurrency/serial-queue.ts'
import type { Logger } from '../process/log.ts'
import type { Table } from './database.ts'

export interface WriteBehindComponents {
  table: Pick<Table, 'putAll' | 'delete'>
  log: Logger
}

export class WriteBehind {
  readonly #components: WriteBehindComponents
  readonly #delayMs: number
  /** Values that are not written yet. */
  #values = new Map<string, Uint8Array>()
  #writing = new Map<string, Uint8Array>()
  readonly #writes = new SerialQueue()
  #timer: NodeJS.Timeout | undefined

  constructor(components: WriteBehindComponents, init: { delayMs: number }) {
    this.#components = components
    this.#delayMs = init.delayMs
  }

  /** Writes a value within `delayMs`, unless a newer one or `delete` comes first. */
  put(key: string, value: Uint8Array): void {
    this.#values.set(key, value)
    // What is here is no reason for a process to live on: stop() writes it.
    this.#timer ??= setTimeout(() => void this.flush(), this.#delayMs).unref()
  }

  /** The latest value of a key that is not written yet. */
  unwritten(key: string): Uint8Array | undefined {
    return this.#values.get(key) ?? this.#writing.get(key)
  }

  /** Deletes a value at once. */
  delete(key: string): Promise<void> {
    for (const values of [this.#values, this.#writing]) values.delete(key)
    return this.#writes.run(() => this.#components.table.delete(key))
  }

  /** Writes what is left. */
  async stop(): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
  }

  /**
   * Writes what is left, now. Never rejects: what can't be written, because the disk is full, is tried again with the next
   * values.
   */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return this.#writes.run(async () => {
      const values = this.#values
      if (values.size === 0) return
      this.#writing = values
      this.#values = new Map()
      try {
        await this.#components.table.putAll(values)
      } catch (thrown) {
        this.#components.log.warn({ values: values.size, reason: messageOf(thrown) }, 'state was not written')
        for (const [key, value] of values) if (!this.#values.has(key)) this.#values.set(key, value)
      } finally {
        this.#writing = new Map()
      }
    })
  }
}
