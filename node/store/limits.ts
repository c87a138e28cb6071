/** Limits and times of the Nix store's side and of the binary cache, the unit in the name and a reason beside each. */

/** Longest string taken from the daemon where its value counts: store paths, signatures and hashes are short. */
export const maxWireStringBytes = 64 * 1024

/** Kept of each text that the daemon writes for people. */
export const maxWireTextBytes = 16 * 1024

/** Most entries of a list from the daemon: more than any store has valid paths to answer with. */
export const maxWireListEntries = 1024 * 1024

/** Largest frame written in one piece: the daemon allocates a buffer of the size that a frame announces. */
export const maxFrameBytes = 1024 * 1024

/** A daemon that says and takes nothing for so long is taken for hung; a garbage collection may hold it for minutes. */
export const daemonStallMs = 10 * 60_000

/** Connecting and shaking hands: opening a large database on a slow card takes seconds. */
export const handshakeLimitMs = 60_000

/** Whether a socket answers at all is known at once; longer means that nobody accepts. */
export const socketConnectLimitMs = 5_000

/** Idle connections are closed after this, as each is a process and may hold temp roots of what it imported. */
export const connectionIdleMs = 15_000

/** Queries at a time: each connection is a process, and four keep a store busy. */
export const maxQueryConnections = 4

/** A child that has been told to end by closing its input gets this long before SIGTERM, and as long before SIGKILL. */
export const childGraceMs = 1_000

/** Time for `nix-env --set`: it may wait for the profile's lock. */
export const nixEnvLimitMs = 60_000

/** A whole garbage collection: hours on a large store and a slow card. */
export const collectLimitMs = 4 * 3600_000

/** Kept of a child's stderr: enough for the last messages. */
export const stderrTailBytes = 4 * 1024

/** Limits of Nix's own NAR parser since 2.3x; a path beyond them could not be imported anywhere (`archive.cc`). */
export const narMaxDepth = 64
export const narMaxNameBytes = 255
export const narMaxTargetBytes = 4095

/** Pieces in which a NAR is streamed: large enough to be fast, small enough that many streams fit a small device. */
export const narStreamChunkBytes = 256 * 1024

/** NAR layouts kept in memory; a layout takes about 1 % of its NAR. */
export const layoutCacheBytes = 32 * 1024 * 1024

/** Files of the store kept open between reads: chunks of one file are mostly read one after another. */
export const maxOpenFiles = 16

/** Open files keep deleted paths on the disk, so they are closed soon after their last use. */
export const openFileIdleMs = 5_000

/** Beside the mesh's port; unassigned by IANA. */
export const defaultCachePort = 4461

/** Of `nix-cache-info`: lower is asked first, and cache.nixos.org says 40. */
export const defaultCachePriority = 30

/**
 * How long a lookup may take before it is answered with 404. Nix itself gives up after 300 s of silence, and asks one
 * path after the other in old versions, so that many slow ones must still end.
 */
export const cacheLookUpLimitMs = 30_000

/** Pause before a lookup that failed is tried again: the time that a Nix daemon takes to restart. */
export const cacheLookUpRetryMs = 500

/** A NAR whose next piece takes longer is cut, so that Nix goes on elsewhere before its own 300 s are over. */
export const cachePieceLimitMs = 120_000

/** A client that takes nothing for so long has hung; Nix may pause while it waits for locks and references. */
export const cacheClientStallMs = 10 * 60_000

/** NARs sent at a time; others wait. Each holds some 1 MiB, and one disk is busy with fewer. */
export const maxCacheNarStreams = 16

/** Connections at a time: Nix opens 25 for each run. */
export const maxCacheConnections = 128

/** Request lines and headers: Nix sends about 200 bytes. */
export const maxRequestHeaderBytes = 8 * 1024
export const maxRequestUrlLength = 256

/** A request has to be complete after this, so that slow senders hold no connections. */
export const cacheRequestLimitMs = 10_000

/** An idle connection is kept for the next request of the same run. */
export const cacheKeepAliveMs = 30_000

/** How long stopping waits for answers that were cut to be let go of. */
export const cacheStopLimitMs = 5_000

/** Failures since the last byte after which a NAR is given up, and the pause after the first, doubled after each more. */
export const cacheNarTries = 4
export const cacheNarRetryMs = 200

/** Temp roots outlast the last NAR by this, so that a run of small ones does not open a connection for each. */
export const rootsLingerMs = 10_000
