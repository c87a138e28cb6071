/** Limits for serving logs, with the unit in each name. */

/** Logs that a device reads concurrently: each may run journalctl. */
export const logsAtOnce = 2
/** Rate limit of one controller: burst, and long-term rate per second. */
export const logsPerPeer = 10
export const logsPerPeerPerSecond = 0.5
/** A log request, from the request to the last byte. */
export const logTimeoutMs = 60_000
