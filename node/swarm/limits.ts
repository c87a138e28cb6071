/** Bounds of the swarm on this machine, the unit in the name and a reason beside each. */

/** Chunks that became ours are told to a peer this often: one frame for many. */
export const announceIntervalMs = 50
/** Requests of one peer that wait to be answered: a window of 8 MiB in chunks of 4 KiB is no more. */
export const queuedRequestsPerPeer = 4096
/** What a peer is told that finds all upload places taken. */
export const busyMs = 2_000
/** Peers that are served at the same time. */
export const servedPeers = 16
/**
 * Bytes per second below which chunks are compressed for a peer elsewhere: zstd takes some 300 MB/s of a core, so that a
 * gigabit link is left alone.
 */
export const compressBelowRemote = 30e6
/** The same for one at our site: below it is no wire, only a busy processor that compressing would not help. */
export const compressBelowLocal = 6e6
/** How long a peer that sent a wrong chunk is neither asked nor answered. */
export const banMs = 10 * 60_000
/** Disk for staged chunks; what is over it is fetched when there is room again. */
export const stagingBudgetBytes = 8 * 1024 ** 3
/** A peer that doesn't know the closure may have it a little later. */
export const reopenMs = 3_000
/** A closure that nobody asked for in this time is put out of memory. */
export const idleSwarmMs = 60_000
/** Closures whose chunks are in memory for serving. */
export const servedClosures = 8
/** Recipes that are asked for side by side: hides the latency of a narrow link. */
export const parallelRecipes = 16
/** A peer with a private address in another network is at our site when it answers within this time. */
export const localRoundTripMs = 10
/** Bytes asked of one peer ahead: one second of its measured rate, within these bounds. */
export const windowMinBytes = 256 * 1024
export const windowMaxBytes = 8 * 1024 ** 2
/** How fast old measurements of that rate fade. */
export const receivedFadeMs = 3_000
/** Paths that are imported at a time: one connection to Nix each; hides the latency of small ones. */
export const importConnections = 4
/** A fetch that gets nothing and sees nobody who has what it lacks gives up after this. */
export const sourceWaitMs = 10_000
/** Share of its time that the event loop may be busy before nothing is compressed: then the processor is what is scarce. */
export const compressBelowLoad = 0.7
/** How long a peer may ask not to be asked: one that says more is asked again all the same. */
export const maxBusyMs = 60_000
/** The largest window that unpacking a chunk may take, as a power of two: what level 3 uses. A frame may claim 2 GiB. */
export const zstdWindowLog = 21
/** Plans are looked at again at least this often; longer timers would overflow. */
export const longestPauseMs = 60_000
/** Old bytes that a new chunk is told apart from: twice as many save 3 % more and take twice the time. */
export const baseBytes = 512 * 1024
/** Old chunks kept in memory while deltas are made or read: neighbours share most of theirs. */
export const baseCacheBytes = 8 * 1024 ** 2
/** Recipes whose chunks are at hand for deltas: as many as paths that are asked for side by side. */
export const baseRecipes = 16
/** Old versions of one path that are compared: more generations are seldom kept. */
export const baseCandidates = 4
/** Staged chunks kept in memory beside the disk: what is imported in the next moments. */
export const recentChunkBytes = 2 * 1024 ** 2

/** Of a frame of a swarm's stream, beside the time that any stream may be idle: who takes or sends it slower is cut off. */
export const slowestFrameBytesPerMs = 1

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
