/** The pause between two mDNS queries: it doubles (RFC 6762, section 5.2), as long as the peer has a connection. */

import { mdnsQueryFirstMs, mdnsQueryLastMs } from './limits.ts'

export class QueryInterval {
  #nextMs = mdnsQueryFirstMs

  /** Milliseconds until the next query. A peer without any connection keeps looking at the first pace. */
  next(isAlone: boolean): number {
    const pauseMs = isAlone ? mdnsQueryFirstMs : this.#nextMs
    this.#nextMs = Math.min(2 * pauseMs, mdnsQueryLastMs)
    return pauseMs
  }
}
