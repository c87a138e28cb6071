/** Deadlines for admission: a connection whose peer isn't admitted in time, or after several hellos, is dropped. */

import type { Connection } from '@libp2p/interface'
import { helloTimeoutMs, refreshTimeoutMs, refusedHellos } from '../limits.ts'

interface Stranger {
  deadline: NodeJS.Timeout
  refusals: number
  extended: boolean
}

export class AdmissionDeadlines {
  readonly #late: (connection: Connection) => void
  readonly #known = new Map<Connection, Stranger>()
  #stopped = false

  constructor(late: (connection: Connection) => void) {
    this.#late = late
  }

  /** Starts the deadline of a connection, or restarts it. */
  expect(connection: Connection, milliseconds = helloTimeoutMs): void {
    if (this.#stopped || connection.status !== 'open') return
    const known = this.#known.get(connection)
    clearTimeout(known?.deadline)
    const deadline = setTimeout(() => {
      this.#known.delete(connection)
      if (connection.status === 'open') this.#late(connection)
    }, milliseconds)
    this.#known.set(connection, { refusals: 0, extended: false, ...known, deadline })
  }

  /** Extends the deadline once if the peer has newer metadata: fetching it takes time. */
  extend(connection: Connection): void {
    const known = this.#known.get(connection)
    if (known === undefined || known.extended) return
    known.extended = true
    this.expect(connection, refreshTimeoutMs)
  }

  /** Counts a refused hello; returns whether it was one too many. */
  refuse(connection: Connection): boolean {
    const known = this.#known.get(connection)
    return known !== undefined && ++known.refusals >= refusedHellos
  }

  forget(connection: Connection): void {
    clearTimeout(this.#known.get(connection)?.deadline)
    this.#known.delete(connection)
  }

  stop(): void {
    this.#stopped = true
    for (const connection of this.#known.keys()) this.forget(connection)
  }
}
