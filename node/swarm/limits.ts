/** Limits of the swarm on this machine, with the unit in each name. */

/** How often new chunks are announced to a peer: one frame for many. */
export const announceIntervalMs = 50
/** Queued requests of one peer: a window of 8 MiB in chunks of 4 KiB needs no more. */
export const queuedRequestsPerPeer = 4096
/** How long a peer is asked to wait when all upload slots are taken. */
export const busyMs = 2_000
/** Peers served concurrently: the upload slots. */
export const servedPeers = 16
/**
 * The rate in bytes per second below which chunks for remote peers are compressed. zstd handles about 300 MB/s on one
 * core, so a gigabit link isn't slowed down.
 */
export const compressBelowRemote = 30e6
/** The same for local peers: a lower rate means a busy processor, not a slow link, and compression wouldn't help. */
export const compressBelowLocal = 6e6
/** How long a peer that sent an invalid chunk is banned. */
export const banMs = 10 * 60_000
/** Disk budget for staged chunks; the rest is fetched as space is freed. */
export const stagingBudgetBytes = 8 * 1024 ** 3
/** When a peer that doesn't know the closure is asked again. */
export const reopenMs = 3_000
/** An unused closure is unloaded from memory after this. */
export const idleSwarmMs = 60_000
/** Closures loaded in memory for serving. */
export const servedClosures = 8
/** A closure of which nothing was sent or received for this long makes room for another one; sessions open in 3 s. */
export const idleClosureMs = 5_000
/** Closures of a group that has two more than others make room after this: a turn is worth its opening. */
export const closureTurnMs = 5_000
/** A peer that takes no chunk for this long loses its upload slot to one that has none: 25 kB/s for a large chunk. */
export const idleUploadMs = 10_000
/** Slots of a group that has two more than others are given up after this; a device is told `busy` for less. */
export const uploadTurnMs = 5_000
/** Recipes requested concurrently, to hide the latency of a slow link. */
export const parallelRecipes = 16
/** A peer with a private address in another network is local if its round-trip time is below this. */
export const localRoundTripMs = 10
/** Bytes requested ahead from one peer: one second at its measured rate, within these bounds. */
export const windowMinBytes = 256 * 1024
export const windowMaxBytes = 8 * 1024 ** 2
/** The time constant of that rate's decay. */
export const receivedFadeMs = 3_000
/** Concurrent imports, with one connection to Nix each: hides the latency of small paths. */
export const importConnections = 4
/** A fetch without progress or any source gives up after this. */
export const sourceWaitMs = 10_000
/** The event loop's utilisation above which nothing is compressed: the processor is the bottleneck then. */
export const compressBelowLoad = 0.7
/** The longest pause that a peer can request. */
export const maxBusyMs = 60_000
/** The largest window for decompressing a chunk, as a power of two: that of zstd level 3. A frame may require 2 GiB. */
export const zstdWindowLog = 21
/**
 * So long requests wait for others that go into the same frame, while as many chunks as this are on their way: the largest window
 * lasts twice as long at 400 MB/s.
 */
export const askPauseMs = 10
export const askEarlyBelow = 8
/** The scheduler runs at least this often; longer timers would overflow. */
export const longestPauseMs = 60_000
/** The size of a delta base: twice as much saves another 3 % and takes twice the time. */
export const baseBytes = 512 * 1024
/** Base chunks cached while deltas are made or read: consecutive chunks share most of theirs. */
export const baseCacheBytes = 8 * 1024 ** 2
/** Both are forgotten when nobody has needed them for this long: an idle daemon would keep what its last update took. */
export const baseIdleMs = 60_000
/** Recipes cached for deltas: one for each concurrently requested path. */
export const baseRecipes = 16
/** Old versions of one path that are compared: more generations are rarely kept. */
export const baseCandidates = 4
/** NARs below this have no shifts: a delta base around the same share of the old one rarely misses. */
export const shiftsFromBytes = 8 * 1024 ** 2
/** How long a fetch waits for a document of shifts, which is a few kilobytes; how long it may take for the next one; and when it is asked for again. */
export const shiftsWaitMs = 5_000
export const shiftsFetchMs = 20_000
export const shiftsRetryMs = 60_000
/** Where no member is connected that has it, as after a start, others are looked for this often meanwhile. */
export const shiftsLookMs = 250
/** Chunks that are compressed harder at a time, for all peers together: level 9 takes 22 MB for each. */
export const hardPacksAtOnce = 1
/** Shifts that the place of a delta base without them would miss by less than this aren't worth telling. */
export const shiftsMissBytes = 64 * 1024
/** No comparison of two versions begins later than this after the first one of a release. */
export const shiftsMakingMs = 5 * 60_000
/** Staged chunks also cached in memory: those that are imported shortly after. */
export const recentChunkBytes = 2 * 1024 ** 2

/** Damaged paths are read again this often, to see whether they were repaired; and how many are told of. */
export const damagedCheckMs = 10 * 60_000
export const maxDamagedPaths = 64

/**
 * The slowest rate for a frame on a swarm stream, beside the idle limit of any stream: slower peers are disconnected.
 */
export const slowestFrameBytesPerMs = 1

export interface SchedulerLimits {
  /** In flight to one peer before its rate is known: the bandwidth-delay product of a fast LAN, with a margin. */
  readonly windowBytes: number
  /** Four chunks of the largest size: less would leave a link idle between answers. */
  readonly minWindowBytes: number
  /** More than this only queues at the peer, where it can't be cancelled. */
  readonly maxWindowBytes: number
  /** The look-ahead of rarest first, so that paths still complete one after another. */
  readonly lookAheadChunks: number
  readonly lookAheadBytes: number
  /** Chunks examined beyond it for a peer that has none of those; bounds one call. */
  readonly searchChunks: number
  /** A local peer without progress for this long loses its lease on the chunks that it was to fetch over the uplink. */
  readonly leaseMs: number
  /** A lease lasts at least this multiple of our own wait for a chunk: a slow uplink is slow for every peer. */
  readonly leaseWaits: number
  /** For this long a new member leaves the chunks that earlier members are probably fetching to them. */
  readonly headStartMs: number
  /**
   * A member whose chunks take this multiple of the site's median hands the later half of its rest over to idle ones.
   */
  readonly handOverFactor: number
  /** A local peer without an answer for this long is stalled: LAN answers take milliseconds. */
  readonly stallMs: number
  /** A request times out when its peer has sent nothing for this long. */
  readonly requestTimeoutMs: number
  /** The end-game starts when no more than this number of chunks is missing. */
  readonly endGameChunks: number
  readonly endGameBytes: number
  /** A request is slow if it is older than this and than `slowFactor` × the median of the other peers. */
  readonly slowMs: number
  readonly slowFactor: number
  /** How long a chunk isn't requested again from a peer that failed to send it. */
  readonly failedPauseMs: number
  /** A peer with this number of consecutive failures rests, with a pause that doubles from the first to the last. */
  readonly failuresInRow: number
  readonly restFirstMs: number
  readonly restLastMs: number
  /** Peers of one closure; beyond them rendezvous hashing costs more than it saves. */
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

/** Closures whose descriptors the loopback cache keeps in memory: a large one takes a megabyte. */
export const maxDescribed = 64
/** A look-up waits so long for descriptors: Nix asks for hundreds of paths, most of which are of no release. */
export const descriptorsWaitMs = 5_000
/** Where no member has sent them, they are asked for again after this. */
export const descriptorsRetryMs = 60_000

/**
 * Losses that a session bears for each chunk of its closure, on average. A short disk loses a chunk now and then; each loss
 * costs a new search for the chunk, and one that is told again and again is an attack.
 */
export const maxLossesPerChunk = 16

/** Bytes of chunks that may wait on a lane to be sent, and to be handled after they came. */
export const laneAheadBytes = 512 * 1024
export const lanePendingBytes = 1024 * 1024
/** One read of a lane's socket: four records of TLS. */
export const laneReadBytes = 64 * 1024
/** How often a frame that is arriving is looked at. */
export const laneWatchMs = 5_000
/** When a lane ends first, its session gets this long to end too, which is no failure of the lane. */
export const laneGraceMs = 1_000

/** So long a walk over a path's files holds up everything else at once. */
export const stampSliceMs = 10
