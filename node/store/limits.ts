/** Limits and times of the Nix store's side and of the binary cache, the unit in the name and a reason beside each. */

/** Longest string taken from the daemon where its value counts: store paths, signatures and hashes are short. */
export const MAX_WIRE_STRING_BYTES = 64 * 1024

/** Kept of each text that the daemon writes for people. */
export const MAX_WIRE_TEXT_BYTES = 16 * 1024

/** Most entries of a list from the daemon: more than any store has valid paths to answer with. */
export const MAX_WIRE_LIST_ENTRIES = 1024 * 1024

/** Largest frame written in one piece: the daemon allocates a buffer of the size that a frame announces. */
export const MAX_FRAME_BYTES = 1024 * 1024

/** A daemon that says and takes nothing for so long is taken for hung; a garbage collection may hold it for minutes. */
export const DAEMON_STALL_MS = 10 * 60_000

/** Connecting and shaking hands: opening a large database on a slow card takes seconds. */
export const HANDSHAKE_LIMIT_MS = 60_000

/** Whether a socket answers at all is known at once; longer means that nobody accepts. */
export const SOCKET_CONNECT_LIMIT_MS = 5_000

/** Idle connections are closed after this, as each is a process and may hold temp roots of what it imported. */
export const CONNECTION_IDLE_MS = 15_000

/** Queries at a time: each connection is a process, and four keep a store busy. */
export const MAX_QUERY_CONNECTIONS = 4

/** A child that has been told to end by closing its input gets this long before SIGTERM, and as long before SIGKILL. */
export const CHILD_GRACE_MS = 1_000

/** Time for `nix-env --set`: it may wait for the profile's lock. */
export const NIX_ENV_LIMIT_MS = 60_000

/** A whole garbage collection: hours on a large store and a slow card. */
export const COLLECT_LIMIT_MS = 4 * 3600_000

/** Kept of a child's stderr: enough for the last messages. */
export const STDERR_TAIL_BYTES = 4 * 1024

/** Limits of Nix's own NAR parser since 2.3x; a path beyond them could not be imported anywhere (`archive.cc`). */
export const NAR_MAX_DEPTH = 64
export const NAR_MAX_NAME_BYTES = 255
export const NAR_MAX_TARGET_BYTES = 4095

/** Pieces in which a NAR is streamed: large enough to be fast, small enough that many streams fit a small device. */
export const NAR_STREAM_CHUNK_BYTES = 256 * 1024

/** NAR layouts kept in memory; a layout takes about 1 % of its NAR. */
export const LAYOUT_CACHE_BYTES = 32 * 1024 * 1024

/** Files of the store kept open between reads: chunks of one file are mostly read one after another. */
export const MAX_OPEN_FILES = 16

/** Open files keep deleted paths on the disk, so they are closed soon after their last use. */
export const OPEN_FILE_IDLE_MS = 5_000

/** Beside the mesh's port; unassigned by IANA. */
export const DEFAULT_CACHE_PORT = 4461

/** Of `nix-cache-info`: lower is asked first, and cache.nixos.org says 40. */
export const DEFAULT_CACHE_PRIORITY = 30

/**
 * How long a lookup may take before it is answered with 404. Nix itself gives up after 300 s of silence, and asks one
 * path after the other in old versions, so that many slow ones must still end.
 */
export const LOOK_UP_LIMIT_MS = 30_000

/** Pause before a lookup that failed is tried again: the time that a Nix daemon takes to restart. */
export const LOOK_UP_RETRY_MS = 500

/** A NAR whose next piece takes longer is cut, so that Nix goes on elsewhere before its own 300 s are over. */
export const PIECE_LIMIT_MS = 120_000

/** A client that takes nothing for so long has hung; Nix may pause while it waits for locks and references. */
export const CLIENT_STALL_MS = 10 * 60_000

/** NARs sent at a time; others wait. Each holds some 1 MiB, and one disk is busy with fewer. */
export const MAX_NAR_STREAMS = 16

/** Connections at a time: Nix opens 25 for each run. */
export const MAX_CACHE_CONNECTIONS = 128

/** Request lines and headers: Nix sends about 200 bytes. */
export const MAX_REQUEST_HEADER_BYTES = 8 * 1024
export const MAX_REQUEST_URL_LENGTH = 256

/** A request has to be complete after this, so that slow senders hold no connections. */
export const REQUEST_LIMIT_MS = 10_000

/** An idle connection is kept for the next request of the same run. */
export const KEEP_ALIVE_MS = 30_000

/** How long stopping waits for answers that were cut to be let go of. */
export const STOP_LIMIT_MS = 5_000

/** Failures since the last byte after which a NAR is given up, and the pause after the first, doubled after each more. */
export const NAR_TRIES = 4
export const NAR_RETRY_MS = 200

/** Temp roots outlast the last NAR by this, so that a run of small ones does not open a connection for each. */
export const ROOTS_LINGER_MS = 10_000
