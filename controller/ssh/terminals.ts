/** The terminals that browsers have opened here, each of the session of the page that opened it. */

import { randomBytes } from 'node:crypto'
import { ApiError } from '../api/api-error.ts'
import type { Session } from '../session/session.ts'
import { connectSsh, type SshPlace } from './connect.ts'
import { maxTerminals } from './limits.ts'
import { Terminal, type WindowSize } from './terminal.ts'

interface Kept {
  readonly owner: string
  readonly terminal: Terminal
}

export class Terminals {
  readonly #session: Session
  readonly #kept = new Map<string, Kept>()
  /** Those that are on their way; with why they end as soon as they are there. */
  readonly #opening = new Set<{ readonly owner: string; over?: string }>()

  constructor(session: Session) {
    this.#session = session
  }

  /** Those of one browser that have not ended. */
  of(owner: string): Terminal[] {
    return [...this.#kept.values()].filter(each => each.owner === owner).map(({ terminal }) => terminal)
  }

  /** Throws what `connectSsh` throws. */
  async open(owner: string, place: SshPlace, size: WindowSize): Promise<Terminal> {
    if (this.#kept.size + this.#opening.size >= maxTerminals) {
      throw new ApiError('too-many', `expected at most ${maxTerminals} terminals at a time`, {
        hint: 'Close some, and try again.',
      })
    }
    const opening: { owner: string; over?: string } = { owner }
    this.#opening.add(opening)
    try {
      const connection = await connectSsh(this.#session, place, 'shell')
      const id = randomBytes(8).toString('hex')
      const terminal = await Terminal.open(id, place, connection, size, () => this.#kept.delete(id))
      if (opening.over !== undefined) terminal.end(opening.over)
      if (terminal.ended === undefined) this.#kept.set(id, { owner, terminal })
      return terminal
    } finally {
      this.#opening.delete(opening)
    }
  }

  /** Throws where this browser has none with that ID. */
  find(owner: string, id: string): Terminal {
    const kept = this.#kept.get(id)
    if (kept?.owner === owner) return kept.terminal
    throw new ApiError('unknown-terminal', 'expected a terminal that is open, but this one has ended', {
      hint: 'Open a new one.',
    })
  }

  /** Ends all of one browser, or of all. */
  end(reason: string, owner?: string): void {
    for (const each of this.#opening) if (owner === undefined || each.owner === owner) each.over = reason
    for (const each of [...this.#kept.values()]) {
      if (owner === undefined || each.owner === owner) each.terminal.end(reason)
    }
  }
}
