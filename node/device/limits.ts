/** Intervals and timeouts of a device's daemon, with the unit in each name. */

/**
 * When an unchanged report is repeated: after the first interval, then after twice as long each time, up to the last.
 * While others may go on alone if they don't hear of this device, always after the first: a third of the silence after
 * which it counts as out of reach.
 */
export const reportFirstMs = 10 * 60_000
export const reportLastMs = 6 * 60 * 60_000
/** The shortest interval between progress reports: every member of the site receives and verifies each of them. */
export const progressIntervalMs = 5_000

/** Back-off for an update that failed for lack of peers or disk space: doubles from the first to the last. */
export const updateRetryFirstMs = 2_000
export const updateRetryLastMs = 5 * 60_000
/** How long stop() waits for parts to end by themselves. */
export const stopTimeoutMs = 5_000
