/** Limits of serving logs, the unit in the name and a reason beside each. */

/** Logs that a device reads for controllers at a time: each may be a run of journalctl. */
export const logsAtOnce = 2
/** Of one controller: so many at once, and then so many per second. */
export const logsPerPeer = 10
export const logsPerPeerPerSecond = 0.5
/** One question for a log, from asking to the last byte. */
export const logTimeoutMs = 60_000
