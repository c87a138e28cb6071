/** Limits and times of the Nix store's side, the unit in the name and the reason beside each. */

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
