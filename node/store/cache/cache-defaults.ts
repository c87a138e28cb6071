/** Limits and times of the binary cache, the unit in the name and the reason beside each. */

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
