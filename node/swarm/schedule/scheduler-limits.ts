/** What bounds the scheduler: windows, look-aheads and waits, the unit in the name and a reason beside each. */

export interface SchedulerLimits {
  /** Asked of one peer at a time before its rate is known: bandwidth × round trip of a fast LAN, and then some. */
  readonly windowBytes: number
  /** Four chunks of the largest size: less would leave a link idle between answers. */
  readonly minWindowBytes: number
  /** More than this only queues at the peer, where it cannot be taken back. */
  readonly maxWindowBytes: number
  /** Rarest first looks this far ahead in the order, so that paths still become whole one after another. */
  readonly lookAheadChunks: number
  readonly lookAheadBytes: number
  /** Chunks looked at for a peer that has none of those; bounds one call. */
  readonly searchChunks: number
  /** A peer that shows no progress for this long loses the chunks that it is to bring to the site. */
  readonly leaseMs: number
  /** A lease is at least this many times what we ourselves wait for a chunk: a slow uplink is slow for everyone. */
  readonly leaseWaits: number
  /** For this long a new member leaves those that were there before it what they are probably fetching. */
  readonly headStartMs: number
  /** A member whose chunks take this many times the site's median gives the later half of the rest to idle ones. */
  readonly handOverFactor: number
  /** A local peer that answers nothing for this long is waited for no longer: LAN answers take milliseconds. */
  readonly stallMs: number
  /** A request is given up when its peer has sent nothing for this long. */
  readonly requestTimeoutMs: number
  /** The last chunks are asked twice when no more than these are missing. */
  readonly endGameChunks: number
  readonly endGameBytes: number
  /** A request is slow when it is older than this and than `slowFactor` × the median of the other peers. */
  readonly slowMs: number
  readonly slowFactor: number
  /** A chunk that a peer failed to give isn't asked there again for this long. */
  readonly failedPauseMs: number
  /** A peer that fails this often in a row is asked nothing for a while, doubled from the first to the last. */
  readonly failuresInRow: number
  readonly restFirstMs: number
  readonly restLastMs: number
  /** Peers of one closure; beyond them a rendezvous costs more than it brings. */
  readonly maxPeers: number
}

export const defaultSchedulerLimits: SchedulerLimits = {
  windowBytes: 1 << 20,
  minWindowBytes: 256 << 10,
  maxWindowBytes: 8 << 20,
  lookAheadChunks: 256,
  lookAheadBytes: 32 << 20,
  searchChunks: 1024,
  leaseMs: 5_000,
  leaseWaits: 3,
  headStartMs: 2_000,
  handOverFactor: 3,
  stallMs: 5_000,
  requestTimeoutMs: 30_000,
  endGameChunks: 3,
  endGameBytes: 1 << 20,
  slowMs: 2_000,
  slowFactor: 4,
  failedPauseMs: 60_000,
  failuresInRow: 3,
  restFirstMs: 10_000,
  restLastMs: 5 * 60_000,
  maxPeers: 128,
}
