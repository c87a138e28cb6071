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
