/** The last events of a controller, numbered, and those who listen to the next ones. */

import { randomBytes } from 'node:crypto'
import { keptEventBytes, keptEvents } from './limits.ts'
import type { EventData, EventKind } from './schemas/events.ts'

export interface LoggedEvent {
  readonly id: string
  readonly kind: EventKind
  /** JSON in one line. */
  readonly data: string
}

export type EventListener = (event: LoggedEvent) => void

export class EventLog {
  /** Another process counts from one again: its events are not those of this one. */
  readonly #process = randomBytes(4).toString('hex')
  readonly #kept: LoggedEvent[] = []
  readonly #listeners = new Set<EventListener>()
  #bytes = 0
  #count = 0

  /** The ID of the newest event; events after it have not happened yet. */
  get last(): string {
    return this.#id(this.#count)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  append<Kind extends EventKind>(kind: Kind, data: EventData<Kind>): void {
    this.#count += 1
    const event = { id: this.#id(this.#count), kind, data: JSON.stringify(data) }
    this.#kept.push(event)
    this.#bytes += event.data.length
    while (this.#kept.length > keptEvents || this.#bytes > keptEventBytes) {
      this.#bytes -= this.#kept.shift()?.data.length ?? 0
    }
    for (const listener of this.#listeners) listener(event)
  }

  /** The events after this one; nothing where some of them are gone, or where the ID is another process's. */
  after(id: string): LoggedEvent[] | undefined {
    const [, process, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? []
    const number = Number(digits)
    const missing = this.#count - number
    if (process !== this.#process || missing < 0 || missing > this.#kept.length) return undefined
    return missing === 0 ? [] : this.#kept.slice(-missing)
  }

  /** Gives what ends it. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #id(number: number): string {
    return `${this.#process}-${number}`
  }
}
