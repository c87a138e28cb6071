/** Limits and timeouts of the Nix store and the binary cache, with the unit in each name. */

/** The longest string from the daemon that is used as a value: store paths, signatures and hashes are short. */
export const maxWireStringBytes = 64 * 1024

/** The part of each message from the daemon that is kept. */
export const maxWireTextBytes = 16 * 1024

/** The longest list from the daemon: more than any store has valid paths. */
export const maxWireListEntries = 1024 * 1024

/** The largest frame: the daemon allocates a buffer of the announced size. */
export const maxFrameBytes = 1024 * 1024

/** A daemon without any read or write for this long is hung; a garbage collection may block it for minutes. */
export const daemonStallMs = 10 * 60_000

/** Connecting and handshake: opening a large database on a slow card takes seconds. */
export const handshakeLimitMs = 60_000

/** A local socket accepts at once; a longer wait means that no daemon accepts. */
export const socketConnectLimitMs = 5_000

/** Idle connections are closed after this: each is a process and may hold temporary roots of its imports. */
export const connectionIdleMs = 15_000

/** Concurrent queries: each connection is a process, and four saturate a store. */
export const maxQueryConnections = 4

/** A child whose input was closed gets this long before SIGTERM, and as long again before SIGKILL. */
export const childGraceMs = 1_000

/** `nix-env --set`: it may wait for the profile's lock. */
export const nixEnvLimitMs = 60_000

/** A garbage collection: hours with a large store on a slow card. */
export const collectLimitMs = 4 * 3600_000

/** The part of a child's stderr that is kept: enough for the last messages. */
export const stderrTailBytes = 4 * 1024

/** Limits of Nix's own NAR parser since 2.3x: a path beyond them can't be imported anywhere (`archive.cc`). */
export const narMaxDepth = 64
export const narMaxNameBytes = 255
export const narMaxTargetBytes = 4095

/** Piece size for streaming NARs: large enough to be fast, small enough for many streams on a small device. */
export const narStreamChunkBytes = 256 * 1024

/** NAR layouts cached in memory; a layout takes about 2 kB and 50 bytes a file. */
export const layoutCacheBytes = 32 * 1024 * 1024
/** A layout that nobody asks for is forgotten after this long: walking a path again takes milliseconds. */
export const layoutIdleMs = 5 * 60_000

/** Store files kept open between reads: the chunks of a file are mostly read in sequence. */
export const maxOpenFiles = 16

/** Open files keep deleted paths on disk, so they are closed soon after their last use. */
export const openFileIdleMs = 5_000

/** Next to the mesh's port; unassigned by IANA. */
export const defaultCachePort = 4461

/** As in `nix-cache-info`: the lowest is queried first, and cache.nixos.org has 40. */
export const defaultCachePriority = 30

/**
 * A look-up is answered with 404 after this. Nix itself gives up after 300 s of silence, and old versions query paths
 * one after another, so many slow look-ups must still end.
 */
export const cacheLookUpLimitMs = 30_000

/** The pause before a failed look-up is retried: as long as a Nix daemon takes to restart. */
export const cacheLookUpRetryMs = 500

/** A NAR whose next piece takes longer is aborted, so that Nix tries elsewhere before its own limit of 300 s. */
export const cachePieceLimitMs = 120_000

/** A client that reads nothing for this long has hung; Nix may pause while it waits for locks and references. */
export const cacheClientStallMs = 10 * 60_000

/** Concurrent NAR streams; others wait. Each holds about 1 MiB, and fewer saturate a disk. */
export const maxCacheNarStreams = 16

/**
 * A client that reads nothing of a NAR for this long loses its stream, if another connection waits. One run of Nix
 * fetches 16 NARs at a time, so it doesn't wait for itself.
 */
export const cacheIdleStreamMs = 20_000

/** Concurrent connections: Nix opens 25 for each run. */
export const maxCacheConnections = 128

/** Request line and headers: Nix sends about 200 bytes. */
export const maxRequestHeaderBytes = 8 * 1024
export const maxRequestUrlLength = 256

/** A request has to be complete after this, so that slow senders can't occupy connections. */
export const cacheRequestLimitMs = 10_000

/** Idle connections are kept for the next request of the same run. */
export const cacheKeepAliveMs = 30_000

/** How long stop() waits for aborted responses to be released. */
export const cacheStopLimitMs = 5_000

/** Consecutive failures after which a NAR is given up, and the first pause, which doubles each time. */
export const cacheNarTries = 4
export const cacheNarRetryMs = 200

/** Temporary roots stay this long after the last NAR, so that a series of small ones shares a connection. */
export const rootsLingerMs = 10_000

/** Walks over files, and reads of small ones, hold up everything else at once for so long. */
export const storeSliceMs = 10
/** Files up to this size are read at once, without waiting for a thread. */
export const readAtOnceBytes = 64 * 1024
