/** What may come over a site's uplink now: the scheduler asks it before each request to a peer that is not near. */

export interface UplinkAllowance {
  /** Whether what comes from this peer counts. */
  counts(peer: string): boolean
  /** Bytes that may still be asked for; `Infinity` without a bound. Times are in ms of the system's clock. */
  left(now: number): number
  /** Less than this is not worth asking: the length of a large chunk. */
  readonly least: number
  /** When more may be left; `Infinity` if only reports of others change it. */
  wakeAt(now: number): number
  /** Bytes on the wire have come from such a peer. */
  spend(bytes: number, now: number): void
}
