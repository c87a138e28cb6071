/** A chunk's arrival from a peer. */

/** The peer at the other end of a session. */
export interface SwarmPeer {
  readonly id: string
  readonly name: string
  readonly local: boolean
  readonly controller: boolean
}

/** A chunk that arrived, for statistics. */
export interface Arrival {
  readonly peer: SwarmPeer
  readonly chunk: number
  /** Bytes of the chunk, and bytes on the wire. */
  readonly bytes: number
  readonly wire: number
}
