/** Intervals and timeouts of a device's daemon, with the unit in each name. */

/** The interval at which an unchanged report is repeated, to show that the device is alive. */
export const reportIntervalMs = 10 * 60_000
/** The shortest interval between progress reports: every member receives and verifies each of them. */
export const progressIntervalMs = 5_000

/** Back-off for an update that failed for lack of peers or disk space: doubles from the first to the last. */
export const updateRetryFirstMs = 2_000
export const updateRetryLastMs = 5 * 60_000
/** How long stop() waits for parts to end by themselves. */
export const stopTimeoutMs = 5_000
